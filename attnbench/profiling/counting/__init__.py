"""Counts multiply-accumulates, operators and bytes moved, on the meta device."""
