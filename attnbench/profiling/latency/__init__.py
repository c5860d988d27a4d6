"""Latency: what is timed, with which clock, in which order."""
