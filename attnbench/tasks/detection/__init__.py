"""Boxes around objects: targets are `Objects`, predictions are `Detections`."""
