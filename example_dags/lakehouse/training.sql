-- What is known of a flight before it leaves, and whether it arrived late.
SELECT
    flight_month,
    flight_hour,
    carrier,
    origin,
    dest,
    distance,
    temp,
    wind_speed,
    precip,
    visib,
    IF(arr_delay >= 15, 1, 0) AS late
FROM lakehouse_flights
WHERE flight_month IN ({% for month in params.months %}'{{ month }}'{{ ", " if not loop.last }}{% endfor %})
