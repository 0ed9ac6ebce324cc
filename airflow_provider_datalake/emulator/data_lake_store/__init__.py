"""Data Lake Store Gen1: files behind the WebHDFS protocol."""
