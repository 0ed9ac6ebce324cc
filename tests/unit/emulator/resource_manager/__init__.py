"""Unit tests: the resource manager."""
