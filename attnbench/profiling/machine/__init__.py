"""The machine: its conditions, its limits, and what else runs on it."""
