"""The code behind `impl=`: one file per kernel, and the table of implementations."""
