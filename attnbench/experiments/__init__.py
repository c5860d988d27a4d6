"""Train, evaluate and measure models by name; one record holds scores and cost.

    data = open_data("digits")
    recipe = recipe_for(data, epochs=2)
    experiment = Experiment(model="pyramid-t", data=data, recipe=recipe)
    record = run(experiment, on_record=Recorder(Path("runs.jsonl"), "my study").keep)

options       which options a model is built with
experiment    what to train: model, data, task, recipe
run           train, evaluate, measure, record
keeping       when the state of a run is saved, and what is left of a run that ends early
stopping      signals that ask a run to stop
status        how far each run is, for lists
resume        which run to go on with
queue         many runs in one call
spread        those runs as jobs
training_job  one of them
team          one of them by several processes
watching      speed, time left and memory
needs         what a checkpoint needs from elsewhere
judge         evaluate and measure a checkpoint
cost          the cost of a trained model
"""
