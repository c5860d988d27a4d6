"""How close a cell comes to its machine's limits."""
