"""Speed-ups over the dense baseline, and the sizes at which they begin."""
