CREATE TABLE IF NOT EXISTS planes (
    tailnum STRING,
    year BIGINT COMMENT 'year of manufacture',
    type STRING,
    manufacturer STRING,
    model STRING,
    engines BIGINT,
    seats BIGINT,
    speed BIGINT COMMENT 'average cruising speed, miles per hour',
    engine STRING
)
