"""Training and evaluation of a model on a task.

recipe         the recipe for a data set: defaults of its kind, a preset, and what is given
presets        recipes by name
recipe_file    recipes in TOML and YAML
schedule       the learning rate of each step
optimizer      AdamW, and which parameters have no weight decay
loop           epochs: transform, step, evaluate, report; resumes exactly
step           forward, backward and update of a batch, in parts
memory_format  which models are trained channels-last
losses         what the steps of an epoch have lost, read from the device now and then
generators     every random number of a training
average        the moving average of the weights
distillation   what a teacher adds to the loss
blocks         the residual blocks of a model; some recipes compute them again
drop_path      some recipes skip them
evaluate       scores on held-out images, and the time of the forward passes
checkpoint     what a stopped run needs to go on, written atomically
rotation       the last checkpoint, the one before, and the best
"""
