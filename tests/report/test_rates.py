"""The table of tuned learning rates, of tunings made up for it."""

from types import SimpleNamespace

import pandas as pd
import pytest
from scipy import stats

from dlstudy.report.classifiers import rate_rows
from dlstudy.study.params import JudgeParams

BY_RATE = {0.1: (0.86, 0.87, 0.88), 0.178: (0.885, 0.889, 0.893), 0.316: (0.886, 0.887, 0.895), 0.562: (0.0, 0.0, 0.1)}


def results(own, at_edge=False):
    """A model with that learning rate in params.yaml; 0.316 is the best of what was tried."""
    tuning = [
        {"lr": lr, "seed": seed, "validation_accuracy": accuracy}
        for lr, scores in BY_RATE.items()
        for seed, accuracy in zip((300, 301, 302), scores, strict=True)
    ]
    model = SimpleNamespace(lr=own, num_epochs=12)
    return SimpleNamespace(
        experiment=lambda name, table: {("mlp_rates/mlp", "tuning"): pd.DataFrame(tuning)}[name, table],
        experiment_facts=lambda name: {"mlp_rates/mlp": {"lr": 0.316, "at_edge": at_edge}}[name],
        classifiers=lambda hidden: {"mlp": model, "other": model},
        study=SimpleNamespace(
            experiments=SimpleNamespace(mlp_rates=SimpleNamespace(models=("mlp", "gone"))),
            judge=JudgeParams(margin=0.5, confidence=0.95),
        ),
    )


@pytest.mark.parametrize(
    ("own", "nearest", "finding"),
    [
        (0.316, 0.316, "tuned"),
        (0.3, 0.316, "tuned"),
        (0.2, 0.178, "within the noise"),
        (0.1, 0.1, "worse"),
        (0.05, None, "not tried"),  # its nearest, 0.0562, was not
    ],
)
def test_the_rate_of_params_is_held_against_the_nearest_that_was_tried(own, nearest, finding):
    (row,) = rate_rows(results(own))
    assert (row["own"], row["nearest"], row["tuned"], row["finding"]) == (own, nearest, 0.316, finding)
    if nearest is None:
        assert row["behind"] is None
    elif nearest != 0.316:
        paired = stats.ttest_rel(BY_RATE[0.316], BY_RATE[nearest]).confidence_interval(0.95)
        assert (row["behind"].low, row["behind"].high) == pytest.approx((100 * paired.low, 100 * paired.high))


def test_the_table_has_every_rate_that_was_tried_ascending():
    (row,) = rate_rows(results(0.2, at_edge=True))
    assert [each["lr"] for each in row["tried"]] == sorted(BY_RATE)
    assert [each["mean"] for each in row["tried"]] == pytest.approx([0.87, 0.889, 2.668 / 3, 0.1 / 3])
    assert row["at_edge"]
