"""Comparing two sets of results, before and after."""
