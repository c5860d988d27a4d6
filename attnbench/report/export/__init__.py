"""Machine-readable results: CSV and JSON."""
