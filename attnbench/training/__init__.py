"""Training a classifier and judging it: recipe, loop, evaluation and checkpoints.

recipe       the defaults for each kind of set, and the learning rate of each step
optimizer    AdamW, and which parameters are exempt from its weight decay
loop         epochs: augment, step, evaluate, report; resumed to the bit
evaluate     accuracy, loss and the time of the forwards on held-out images
checkpoint   what a stopped run needs to go on, written atomically
"""
