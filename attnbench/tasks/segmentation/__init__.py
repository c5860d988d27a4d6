"""A class for each pixel: targets are `LabelMap`, predictions are label maps of the same size."""
