"""Train, evaluate and measure models by name, and record scores and cost together."""
