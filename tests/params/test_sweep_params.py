"""What cannot be swept is refused, with its key, what was expected and what was found."""

import pytest

from dlstudy.core.params import ParamsError, validated
from dlstudy.experiments.sweep.params import SweepParams
from dlstudy.study.params import load_study
from tests.measures.support import ROOT

CONTENT = load_study(ROOT / "params.yaml").sweep.model_dump()


def problem(section, changes):
    content = {name: dict(part) if isinstance(part, dict) else list(part) for name, part in CONTENT.items()}
    if section:
        content[section] |= changes
    else:
        content |= changes
    with pytest.raises(ParamsError) as told:
        validated(content, SweepParams, prefix="sweep", context={"num_training_rows": {"images": 1000}})
    return str(told.value)


@pytest.mark.parametrize(
    ("section", "changes", "expected", "found"),
    [
        ("", {"activations": ["relu", "tanh"]}, "identity, sigmoid among the names", "['relu', 'tanh']"),
        ("", {"activations": [*CONTENT["activations"], "relu"]}, "each name once", "'relu']"),
        ("", {"activations": [*CONTENT["activations"], "swish"]}, "an activation of torch.nn", "'swish'"),
        ("protocol", {"cells": {"matching": [1, 4, 8, 16]}}, "among the depths of pytorch", "{'matching'"),
        ("protocol", {"cells": CONTENT["protocol"]["cells"] | {"matching": [1, 8, 4, 16]}}, "ascending", "[1, 8, 4"),
        ("protocol", {"learning_rates": [0.1, 0.03, 0.3]}, "ascending", "[0.1, 0.03, 0.3]"),
        ("protocol", {"learning_rates": [0.1, 0.3]}, "at least 3", "[0.1, 0.3]"),
        ("protocol", {"tuning_seeds": [1, 1]}, "each seed once", "[1, 1]"),
        ("protocol", {"batch_size": 1001}, "at most 1000, the training split of images", "1001"),
        ("protocol", {"num_epochs": 0.0}, "greater than 0", "0.0"),
        ("thresholds", {"target": 1.5}, "less than 1", "1.5"),
    ],
)
def test_what_cannot_be_swept_is_refused(section, changes, expected, found):
    line = problem(section, changes)
    assert next(iter(changes)) in line
    assert expected in line
    assert found in line.split("found ", 1)[1]


def test_half_an_epoch_is_an_epoch():
    content = CONTENT | {"protocol": CONTENT["protocol"] | {"num_epochs": 0.5}}
    assert validated(content, SweepParams).protocol.num_epochs == 0.5
