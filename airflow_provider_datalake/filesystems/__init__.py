"""File systems for fsspec and Airflow."""
