"""Terminal output of the commands: tables and progress bars."""
