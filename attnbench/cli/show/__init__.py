"""What commands print: tables and progress in the terminal."""
