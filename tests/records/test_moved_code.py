"""Records of the previous version keep their cells if their code was only moved."""

from attnbench.models import MODELS
from attnbench.records.moved_code import SUBJECTS, moved_code
from attnbench.records.schema import decode, encode
from attnbench.registry import ATTENTIONS

LAYERS, MODELS_OF_OURS, _ = SUBJECTS


def test_a_mechanism_and_a_model_have_the_hash_of_their_own_code_here():
    (anchor,) = [new for new, names in SUBJECTS[LAYERS].items() if names == "anchor"]
    assert moved_code(LAYERS, {"attention": "anchor", "grid": [4, 4]}) == anchor
    model = {"model": "pyramid-t", "attention": "window"}
    assert moved_code(MODELS_OF_OURS, model) in SUBJECTS[MODELS_OF_OURS]


def test_other_code_stays_what_it_was():
    assert moved_code("0123456789ab", {"attention": "anchor"}) == "0123456789ab"
    assert moved_code(LAYERS, {"attention": "their-own"}) == LAYERS
    assert moved_code(LAYERS, {"model": "pyramid-t", "attention": "anchor"}) == LAYERS


def test_every_mechanism_and_model_of_ours_is_named():
    layers = " ".join(SUBJECTS[LAYERS].values()).split()
    models = " ".join(SUBJECTS[MODELS_OF_OURS].values()).split()
    assert set(layers) <= set(ATTENTIONS.names())
    assert {name.partition("/")[0] for name in models} <= {entry.name for entry in MODELS}


def test_old_lines_are_read_as_measured_by_the_code_here(layer):
    plain = encode(layer("anchor"))
    plain["environment"] = {**plain["environment"], "code": LAYERS}
    assert decode({**plain, "schema": 2}).environment.code in SUBJECTS[LAYERS]
    assert decode(plain).environment.code == LAYERS, "a hash of this schema is final"
