"""Kernels of softmax attention between given queries, keys and values."""
