"""Ways to measure a callable: MACs, latency, memory, energy, conditions. Knows no attention."""
