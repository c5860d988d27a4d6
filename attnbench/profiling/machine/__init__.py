"""The machine: its conditions, its limits, and who else uses it."""
