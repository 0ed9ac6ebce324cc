"""Unit tests: the directory."""
