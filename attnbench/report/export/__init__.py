"""Results for programs: CSV and JSON."""
