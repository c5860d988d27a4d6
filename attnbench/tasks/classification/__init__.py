"""One class for each image: targets are int64 (batch,), outputs are logits (batch, classes)."""
