import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from dlstudy.core.base.params import ParamsError, validated
from dlstudy.core.base.randomness import generator
from dlstudy.core.networks import build_network, initialise
from dlstudy.core.params import SgdParams
from dlstudy.experiments.mlp_rates.params import MlpRatesParams
from dlstudy.experiments.mlp_rates.run import Inputs, run

CONTENT = {"models": ["narrow", "wide"], "learning_rates": [0.01, 0.1, 1.0], "tuning_seeds": [300, 301]}
PARAMS = validated(CONTENT, MlpRatesParams)


def model(width, activation, init, lr=0.2):
    return SgdParams(
        method="sgd",
        data="images",
        hidden=(width,),
        activation=activation,
        init=init,
        lr=lr,
        batch_size=32,
        num_epochs=2,
    )


MODELS = {"narrow": model(8, "relu", "he"), "wide": model(16, "sigmoid", "xavier")}


@pytest.fixture(scope="module")
def found(images, tmp_path_factory):
    """By model, the table and the facts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("checkout"))  # finished jobs are kept below data/
        patch.setenv("DLSTUDY_PROCESSES", "1")
        return {name: run(Inputs(images, name, each), PARAMS, (0, 1)) for name, each in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_every_rate_is_tried_with_every_tuning_seed_and_the_best_has_both_neighbours(found, name):
    tried, facts = found[name]["tuning"], found[name]["facts"]
    assert (tried.groupby("lr")["seed"].apply(list).map(tuple) == (300, 301)).all()
    assert not facts["at_edge"]
    means = tried.groupby("lr")["validation_accuracy"].mean().round(12)
    equally_good = means[means == means.max()].index  # of these the loss decides
    assert facts["lr"] == tried.groupby("lr")["validation_loss"].mean()[equally_good].idxmin()
    assert facts["num_rates"] == len(means)
    assert facts["validation_accuracy"] == pytest.approx(means.max(), abs=1e-12)
    steps = np.round(4 * np.log10(means.index)).astype(int).tolist()
    best = round(4 * np.log10(facts["lr"]))
    assert {best - 1, best + 1} <= set(steps)


def test_a_trial_is_the_textbooks_loop_with_a_rate_that_falls_to_0(found, images):
    split = images.redivided(generator(300, "split"))
    train, validation = (split.standardised(each) for each in (split.train, split.validation))
    mean, std = images.feature_scale.mean, images.feature_scale.std  # of the prepared split, whatever the seed
    features = [((each.features.flatten(1).double() - mean) / std).float() for each in (split.train, split.validation)]
    network = build_network(784, (8,), 10, activation="relu")
    initialise(network, "he", generator(300, "weights"))
    order = generator(300, "minibatches")
    steps = [rows for _ in range(2) for rows in torch.randperm(len(train.targets), generator=order).split(32)]
    for step, rows in enumerate(steps):
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1 * (1 - step / len(steps)))
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(features[0][rows]), train.targets[rows]).backward()
        optimiser.step()
    expected = nn.functional.cross_entropy(network(features[1]), validation.targets).item()
    loss = found["narrow"]["tuning"].query("lr == 0.1 and seed == 300")["validation_loss"].item()
    assert loss == pytest.approx(expected, rel=1e-4)  # float32, fourteen steps


def test_neither_the_models_own_rate_nor_the_number_of_processes_plays_a_part(found, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")
    again = run(Inputs(images, "narrow", model(8, "relu", "he", lr=3.0)), PARAMS, (0, 1))
    pd.testing.assert_frame_equal(again["tuning"], found["narrow"]["tuning"], check_exact=True)
    assert again["facts"] == found["narrow"]["facts"]
    assert "lr" not in again["facts"]["model"]


@pytest.mark.parametrize(
    ("key", "value", "expected", "found"),
    [
        ("models", [], "at least 1", "[]"),
        ("models", ["narrow", "narrow"], "each name once", "['narrow', 'narrow']"),
        ("learning_rates", [0.1, 0.3, 1.0], "learning rates of quarters of a decade", "0.3"),
        ("learning_rates", [0.1, 1.0], "at least 3", "[0.1, 1.0]"),
        ("tuning_seeds", [300], "at least 2", "[300]"),
    ],
)
def test_what_cannot_be_tuned_is_refused(key, value, expected, found):
    with pytest.raises(ParamsError) as caught:
        validated(CONTENT | {key: value}, MlpRatesParams, prefix="experiments.mlp_rates")
    assert f"experiments.mlp_rates.{key}" in str(caught.value)
    assert expected in str(caught.value)
    assert found in str(caught.value)
