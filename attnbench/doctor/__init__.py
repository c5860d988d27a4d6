"""The harness tried on answers that are known: `attnbench doctor`, and parts of `make bench`."""
