"""Replaces the attentions of a trained model."""

from attnbench.models.convert.swap import convert

__all__ = ["convert"]
