"""Which records are shown."""
