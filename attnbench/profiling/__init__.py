"""Ways to measure a callable: MACs, latency, memory, and the conditions. Knows no attention."""
