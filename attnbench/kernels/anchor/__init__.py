"""Kernels of anchor attention."""
