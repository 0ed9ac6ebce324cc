CREATE TABLE IF NOT EXISTS airlines (
    carrier STRING COMMENT 'two letters',
    name STRING
)
