-- The delays of one month by airport and day, beside the weather of the hour for which a flight was scheduled.
-- time_hour is an instant: its day is New York's because the task sets odps.sql.timezone.
INSERT OVERWRITE TABLE daily_delays PARTITION (flight_month = '{{ params.month }}')
SELECT
    f.origin,
    CAST(f.time_hour AS DATE) AS flight_date,
    COUNT(*) AS flights,
    COUNT(f.dep_delay) AS departed,
    SUM(f.dep_delay) AS delay_minutes,
    AVG(f.dep_delay) AS mean_delay,
    MAX(f.dep_delay) AS worst_delay,
    SUM(IF(w.precip > 0, 1, 0)) AS rainy_flights,
    MAX(w.wind_speed) AS strongest_wind,
    MIN(w.visib) AS lowest_visibility
FROM flights f
LEFT OUTER JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
WHERE f.flight_month = '{{ params.month }}'
GROUP BY f.origin, CAST(f.time_hour AS DATE)
