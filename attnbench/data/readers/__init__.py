"""Readers of pictures of classes that are no folders: tar shards, Hugging Face's data sets."""
