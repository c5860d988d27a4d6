"""Train, evaluate and measure models by name; one record holds scores and cost.

    data = open_data("digits")
    recipe = recipe_for(data, epochs=2)
    experiment = Experiment(model="pyramid-t", data=data, recipe=recipe)
    record = run(experiment, on_record=Recorder(Path("runs.jsonl"), "my study").keep)

options      which options a model is built with
experiment   what to train: model, data, task, recipe
run          train, evaluate, measure, record
resume       which run to go on with
needs        what a checkpoint needs from elsewhere
judge        evaluate and measure a checkpoint
cost         the cost of a trained model
"""
