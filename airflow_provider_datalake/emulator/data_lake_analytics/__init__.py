"""Data Lake Analytics: jobs and the catalog."""
