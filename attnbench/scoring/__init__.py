"""Scores from the outcome of each image: no model, no picture and no torch is needed.

bootstrap   images drawn with replacement
precision   average precision of drawn images
overlap     mean IoU of drawn images
outcomes    what a model did on each held-out image
outcome_file  the file of it
"""
