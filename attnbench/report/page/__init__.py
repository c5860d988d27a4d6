"""The report folder and its HTML page."""
