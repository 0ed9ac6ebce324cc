"""The lexer and the parser."""
