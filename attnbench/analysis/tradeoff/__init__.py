"""Trade-offs between the scores of models and their cost."""
