CREATE TABLE IF NOT EXISTS weather (
    origin STRING,
    year BIGINT,
    month BIGINT,
    day BIGINT,
    hour BIGINT COMMENT 'local time of the airport, as year, month and day',
    temp DOUBLE COMMENT 'degrees Fahrenheit',
    dewp DOUBLE COMMENT 'degrees Fahrenheit',
    humid DOUBLE COMMENT 'percent',
    wind_dir BIGINT COMMENT 'degrees',
    wind_speed DOUBLE COMMENT 'miles per hour',
    wind_gust DOUBLE COMMENT 'miles per hour',
    precip DOUBLE COMMENT 'inches',
    pressure DOUBLE COMMENT 'millibars',
    visib DOUBLE COMMENT 'miles',
    time_hour DATETIME COMMENT 'the hour as an instant'
)
