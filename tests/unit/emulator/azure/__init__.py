"""Unit tests: what the Azure services have in common."""
