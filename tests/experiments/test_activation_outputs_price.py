import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import mean_squared_error, r2_score
from torch import nn

from dlstudy.core.base.randomness import generator
from dlstudy.experiments.activation_outputs.params import PriceParams
from dlstudy.experiments.activation_outputs.price import (
    OUTPUTS,
    VARIANTS,
    Variant,
    compare_prices,
    predicted,
    r_squared,
    rmse,
    run_seed,
    scaled,
    score_trial,
    start,
    train,
)
from dlstudy.tuning.rungs import Configuration, RungTrial, diverged_score

PARAMS = PriceParams(hidden=(5,), batch_size=64, num_epochs=2, learning_rates=(0.0316, 0.1, 0.316), tuning_seeds=(100,))
FAR_TOO_FAST = 1e6
LINEAR, RELU, DYING = VARIANTS
RATES = dict.fromkeys(OUTPUTS, 0.1)


def trial(output, step):
    return RungTrial(output, Configuration("he", step), 3)  # at a rate of 10^(step/4)


@pytest.fixture(scope="module")
def division(houses):
    return houses.redivided(generator(3, "split"))


def test_prices_are_divided_and_not_shifted(division):
    split = scaled(division, division.train)
    assert split.targets.mean().item() == pytest.approx(1)
    assert split.targets.min() > 0
    ratios = division.train.targets / split.targets
    assert ratios.max().item() == pytest.approx(ratios.min().item())


def test_both_outputs_start_from_the_same_parameters_with_the_mean_price_as_bias(division):
    linear, relu, dying = (start(division, PARAMS, variant, 3) for variant in VARIANTS)
    for one, other in zip(linear.parameters(), relu.parameters(), strict=True):
        assert torch.equal(one, other)
    assert linear[2].bias.tolist() == [1.0]
    assert dying[2].bias.tolist() == [0.0]
    assert torch.equal(dying[2].weight, relu[2].weight)
    assert isinstance(relu[-1], nn.ReLU)
    assert isinstance(linear[-1], nn.Identity)


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_is_that_of_the_textbooks_loop(division, variant):
    network, split = start(division, PARAMS, variant, 3), scaled(division, division.train)
    optimiser, order = torch.optim.SGD(network.parameters(), lr=0.1), generator(3, "minibatches")
    num_steps = 2 * len(torch.arange(len(split)).split(64))
    step = 0
    for _ in range(2):
        for rows in torch.randperm(len(split), generator=order).split(64):
            optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / num_steps)
            optimiser.zero_grad()
            (nn.functional.mse_loss(network(split.features[rows]).squeeze(1), split.targets[rows]) / 2).backward()
            optimiser.step()
            step += 1
    found = train(division, PARAMS, variant, 0.1, 3)
    for one, other in zip(found.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)  # float64, sums in another order


def test_scores_are_in_dollars_and_agree_with_scikit_learns(division):
    network = train(division, PARAMS, LINEAR, 0.1, 3)
    prices = predicted(division, network, division.test)
    dollars = prices.numpy() * division.train.targets.mean().item()
    truth = division.test.targets.numpy()
    # float64 but for the order of sums
    assert rmse(division, prices, division.test) == pytest.approx(
        np.sqrt(mean_squared_error(truth, dollars)), rel=1e-10
    )
    assert r_squared(division, prices, division.test) == pytest.approx(r2_score(truth, dollars), rel=1e-8)


def test_a_row_tells_the_scores_of_its_own_variant(houses, division):
    rows = run_seed(houses, PARAMS, RATES, 3)
    assert [Variant(row["output"], row["start"]) for row in rows] == list(VARIANTS)
    for row, variant in zip(rows, VARIANTS, strict=True):
        prices = predicted(division, train(division, PARAMS, variant, 0.1, 3), division.test)
        assert row["rmse"] == rmse(division, prices, division.test)
        assert row["share_zero"] == (prices <= 0).double().mean().item()


def test_a_run_that_diverges_is_no_number_but_says_so(houses):
    rows = run_seed(houses, PARAMS, dict.fromkeys(OUTPUTS, FAR_TOO_FAST), 3)
    assert rows[0] == {"output": "identity", "start": "mean", "seed": 3} | {
        "diverged": True,
        "rmse": 0.0,
        "r2": 0.0,
        "share_zero": 0.0,
    }
    assert score_trial(houses, PARAMS, trial("identity", 24)) == diverged_score()


def test_a_relu_that_is_0_for_every_house_is_counted(houses):
    """So large a first step takes the output below 0 for good."""
    rows = run_seed(houses, PARAMS, dict.fromkeys(OUTPUTS, 100.0), 3)
    assert rows[1]["share_zero"] == 1.0
    assert not rows[1]["diverged"]
    assert score_trial(houses, PARAMS, trial("relu", 8)).accuracy == 0.0


@pytest.fixture(scope="module")
def tables(houses):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "2")
        return compare_prices(houses, PARAMS, (0, 1))


def test_the_tables_have_their_columns(tables):
    assert {name: list(table) for name, table in tables.items()} == {
        "price_tuning": ["output", "lr", "seed", "explained_variance", "diverged"],
        "price_chosen": ["output", "lr", "at_edge"],
        "price_per_seed": ["output", "start", "seed", "diverged", "rmse", "r2", "share_zero"],
    }
    assert len(tables["price_per_seed"]) == 2 * len(VARIANTS)


@pytest.mark.slow  # other experiments are asked in `make test`
def test_one_process_finds_what_two_find(tables, houses, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    again = compare_prices(houses, PARAMS, (0, 1))
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)
