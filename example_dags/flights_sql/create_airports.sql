CREATE TABLE IF NOT EXISTS airports (
    faa STRING,
    name STRING,
    lat DOUBLE,
    lon DOUBLE,
    alt BIGINT COMMENT 'feet',
    tz BIGINT COMMENT 'hours from UTC',
    dst STRING,
    tzone STRING COMMENT 'IANA time zone'
)
