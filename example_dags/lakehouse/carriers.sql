-- How late the airlines arrive, by airport: one month is written anew.
INSERT OVERWRITE TABLE lakehouse_carriers PARTITION (flight_month = '{{ params.month }}')
SELECT
    carrier,
    origin,
    COUNT(*) AS flights,
    SUM(IF(arr_delay >= 15, 1, 0)) AS late,
    AVG(arr_delay) AS mean_delay,
    MAX(arr_delay) AS worst_delay
FROM lakehouse_flights
WHERE flight_month = '{{ params.month }}'
GROUP BY carrier, origin
