CREATE TABLE IF NOT EXISTS daily_delays (
    origin STRING COMMENT 'an airport, or NYC for all three',
    flight_date DATE COMMENT 'the day in New York',
    flights BIGINT,
    departed BIGINT COMMENT 'flights that were not cancelled',
    delay_minutes BIGINT COMMENT 'sum of the departure delays',
    mean_delay DOUBLE COMMENT 'minutes per departed flight',
    worst_delay BIGINT COMMENT 'minutes',
    rainy_flights BIGINT COMMENT 'flights scheduled for an hour with rain',
    strongest_wind DOUBLE COMMENT 'miles per hour',
    lowest_visibility DOUBLE COMMENT 'miles'
)
PARTITIONED BY (flight_month STRING COMMENT 'YYYY-MM')
