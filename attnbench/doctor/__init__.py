"""The harness tried on known answers: `attnbench doctor`, and parts of `make bench`."""
