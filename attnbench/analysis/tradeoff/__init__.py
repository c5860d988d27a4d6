"""Scores against cost: which models are worth theirs."""
