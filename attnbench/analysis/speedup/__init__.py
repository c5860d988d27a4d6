"""Speed-ups over dense attention, and the sizes at which they begin."""
