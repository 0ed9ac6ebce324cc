"""Expressions of U-SQL: what they mean, computed by DuckDB."""
