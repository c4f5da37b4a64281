import math
from itertools import combinations, product

import pytest
import torch

from dlstudy.core.base.randomness import generator
from dlstudy.experiments.sgd_theory.descent import Problem
from dlstudy.experiments.sgd_theory.minibatches import (
    SAMPLINGS,
    epochs_of_rows,
    gradient_rows,
    minibatch_means,
    permutations,
    predicted_variance,
    tallies,
    total_variance,
)

GRADIENTS = torch.tensor([[1.0, 0.0], [4.0, -2.0], [0.0, 5.0], [-3.0, 1.0], [2.0, 2.0]], dtype=torch.float64)


def enumerated_variance(batch_size, sampling):
    """The variance over all minibatches that there are, each as likely as any other."""
    rows = range(len(GRADIENTS))
    drawn = combinations(rows, batch_size) if sampling == "without" else product(rows, repeat=batch_size)
    means = torch.stack([GRADIENTS[list(batch)].mean(0) for batch in drawn])
    return (means - GRADIENTS.mean(0)).square().sum(1).mean().item()


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_predicted_variance_is_that_of_all_minibatches(sampling, batch_size):
    predicted = predicted_variance(total_variance(GRADIENTS), batch_size, len(GRADIENTS), sampling)
    assert predicted == pytest.approx(enumerated_variance(batch_size, sampling), abs=1e-12)  # rounding


def test_minibatch_means_are_those_of_consecutive_rows_and_leave_out_a_short_one():
    sums = GRADIENTS.unsqueeze(0).cumsum(1)
    assert minibatch_means(sums, 2).tolist() == [[[2.5, -1.0], [-1.5, 3.0]]]
    assert minibatch_means(sums, 5).tolist() == [[GRADIENTS.mean(0).tolist()]]


def test_shuffled_epochs_have_every_row_once_and_independent_ones_do_not():
    without, drawn = (torch.cat(list(epochs_of_rows(30, 45, sampling, generator(0, "test")))) for sampling in SAMPLINGS)
    assert without.shape == drawn.shape == (45, 30)
    assert (without.sort(1).values == torch.arange(30)).all()
    assert not (drawn.sort(1).values == torch.arange(30)).all(1).any()
    assert len({tuple(order) for order in permutations(20, 30, generator(0, "test")).tolist()}) == 20


def test_of_a_shuffled_epoch_one_minibatch_is_tested_and_of_independent_rows_all():
    stream = generator(0, "test")
    without = tallies(GRADIENTS, [1, 2], 7, "without", stream)
    drawn = tallies(GRADIENTS, [1, 2], 7, "with", stream)
    assert [(tally.num_tested, tally.num_all) for tally in without.values()] == [(7, 35), (7, 14)]
    assert [(tally.num_tested, tally.num_all) for tally in drawn.values()] == [(35, 35), (14, 14)]


@pytest.fixture(scope="module")
def rows(houses):
    return gradient_rows(Problem.of(houses), [1, 16, 256], 200, 3)


def test_the_census_of_single_rows_has_their_variance_exactly_and_all_rows_none(rows):
    found = {(row["sampling"], row["batch_size"]): row for row in rows[1]}
    single = found["without", 1]
    assert single["measured"] == pytest.approx(single["predicted"], rel=1e-9)  # sums of 350,000 values
    assert found["without", 1758]["predicted"] == 0
    assert found["without", 1758]["measured"] < 1e-25  # the square of rounding


def test_measured_variances_come_near_to_the_prediction(rows):
    # The squared length of a normal vector has a relative spread of sqrt(2) at most: 5 of its standard errors over the
    # minibatches. Small minibatches are less normal, hence 0.1 more, which is far above their errors.
    for row in rows[1]:
        num = 200 * (1758 // row["batch_size"])
        assert row["measured"] == pytest.approx(row["predicted"], rel=5 * math.sqrt(2 / num) + 0.1, abs=1e-25)


def test_the_mean_deviation_is_within_five_standard_errors(rows):
    for row in rows[0]:
        assert abs(row["deviation"]) < 5 * (row["variance"] / row["num_minibatches"]) ** 0.5


def test_a_seed_gives_the_same_rows_every_time(houses, rows):
    assert gradient_rows(Problem.of(houses), [1, 16, 256], 200, 3) == rows
