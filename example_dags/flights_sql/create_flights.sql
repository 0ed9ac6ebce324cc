CREATE TABLE IF NOT EXISTS flights (
    year BIGINT,
    month BIGINT,
    day BIGINT,
    dep_time BIGINT COMMENT 'HHMM, local time as all clock times here; NULL for a cancelled flight',
    sched_dep_time BIGINT COMMENT 'HHMM',
    dep_delay BIGINT COMMENT 'minutes, negative when early',
    arr_time BIGINT COMMENT 'HHMM',
    sched_arr_time BIGINT COMMENT 'HHMM',
    arr_delay BIGINT COMMENT 'minutes, negative when early',
    carrier STRING,
    flight BIGINT,
    tailnum STRING,
    origin STRING,
    dest STRING,
    air_time BIGINT COMMENT 'minutes',
    distance BIGINT COMMENT 'miles',
    hour BIGINT COMMENT 'hour of the scheduled departure',
    minute BIGINT COMMENT 'minute of the scheduled departure',
    time_hour DATETIME COMMENT 'the hour of the scheduled departure as an instant'
)
PARTITIONED BY (flight_month STRING COMMENT 'YYYY-MM')
