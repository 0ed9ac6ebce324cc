"""The U-SQL compiler: lexer, parser, binder, neutral plan, and the backend that runs the plan in DuckDB."""
