"""Two results, before and after."""
