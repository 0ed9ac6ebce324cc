CREATE TABLE IF NOT EXISTS lakehouse_flights (
    flight_date DATE COMMENT 'the day in New York',
    flight_hour BIGINT COMMENT 'the hour for which it was scheduled',
    carrier STRING,
    flight BIGINT,
    origin STRING,
    dest STRING,
    distance BIGINT COMMENT 'miles',
    dep_delay BIGINT COMMENT 'minutes',
    arr_delay BIGINT COMMENT 'minutes',
    temp DOUBLE COMMENT 'degrees Fahrenheit',
    wind_speed DOUBLE COMMENT 'miles per hour',
    precip DOUBLE COMMENT 'inches',
    visib DOUBLE COMMENT 'miles'
)
PARTITIONED BY (flight_month STRING COMMENT 'YYYY-MM')
