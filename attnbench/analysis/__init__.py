"""Analysis of records: numbers in, numbers out. Nothing here draws or prints."""
