"""Differences of scores between models that were judged on the same images.

files       the outcomes beside records, read once
judged      the score of a run, and how the choice of images moves it
one_pair    two networks: exact McNemar, and the interval of their difference
difference  two models, over their seeds
power       which difference a plan can resolve
"""
