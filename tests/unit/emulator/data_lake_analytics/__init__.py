"""Unit tests: the job and catalog services."""
