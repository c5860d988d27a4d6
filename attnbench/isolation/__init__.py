"""Work in a process that may die, and how its death is reported."""
