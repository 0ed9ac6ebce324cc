-- Adds a row per day for all airports together. An INSERT INTO appends a file, and would append it again if the
-- task were cleared: HAVING leaves out the days that have their total already.
INSERT INTO TABLE daily_delays PARTITION (flight_month = '{{ params.month }}')
SELECT
    'NYC',
    flight_date,
    SUM(flights),
    SUM(departed),
    SUM(delay_minutes),
    CAST(SUM(delay_minutes) AS DOUBLE) / SUM(departed),
    MAX(worst_delay),
    SUM(rainy_flights),
    MAX(strongest_wind),
    MIN(lowest_visibility)
FROM daily_delays
WHERE flight_month = '{{ params.month }}'
GROUP BY flight_date
HAVING SUM(IF(origin = 'NYC', 1, 0)) = 0
