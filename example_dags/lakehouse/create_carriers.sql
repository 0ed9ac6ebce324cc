CREATE TABLE IF NOT EXISTS lakehouse_carriers (
    carrier STRING,
    origin STRING,
    flights BIGINT COMMENT 'flights that arrived',
    late BIGINT COMMENT 'flights that arrived 15 minutes late or later',
    mean_delay DOUBLE COMMENT 'minutes per flight, at the arrival',
    worst_delay BIGINT COMMENT 'minutes, at the arrival'
)
PARTITIONED BY (flight_month STRING COMMENT 'YYYY-MM')
