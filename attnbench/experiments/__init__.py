"""Train, evaluate and measure models by name; one record holds scores and cost.

options      which options a model is built with
experiment   what to train: model, data, task, recipe
run          train, evaluate, measure, record; resume
judge        evaluate and measure a checkpoint
cost         the cost of a trained model
"""
