"""Reasons to trust a number less: one file for each kind of doubt."""
