"""Readers of pictures of classes that are no folders: tar shards, sets of libraries."""
