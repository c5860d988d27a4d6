"""Training and evaluation of a model on a task.

recipe       the defaults for each kind of data set
schedule     the learning rate of each step
optimizer    AdamW, and which parameters have no weight decay
loop         epochs: transform, step, evaluate, report; resumes exactly
evaluate     scores on held-out images, and the time of the forward passes
checkpoint   what a stopped run needs to go on, written atomically
"""
