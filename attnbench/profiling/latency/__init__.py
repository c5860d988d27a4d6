"""Latency: what is timed, by which clock, in which order."""
