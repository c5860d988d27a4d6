"""Choosing the records to show."""
