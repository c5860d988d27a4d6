"""Files: the one way to open them for reading, and the one way to replace them."""
