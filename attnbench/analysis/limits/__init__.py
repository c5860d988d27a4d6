"""How near a cell comes to its machine's limits."""
