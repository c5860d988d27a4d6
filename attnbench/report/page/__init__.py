"""The report folder and its page."""
