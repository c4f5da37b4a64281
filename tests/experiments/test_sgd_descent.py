import math
from functools import partial

import pytest
import torch
from torch import nn

from dlstudy.experiments.sgd_theory.descent import (
    PRECISION,
    Problem,
    bisect_rate,
    contraction,
    contraction_rows,
    critical_row,
    curve_rows,
    descend,
    loss_grows,
    random_start,
    slope,
)

PARABOLAS = Problem(  # X'X / 2 = diag(2, 8): critical rate 1/4; e = 0 at the optimum (1, -1)
    X=torch.tensor([[2.0, 0.0], [0.0, 4.0]], dtype=torch.float64),
    y=torch.tensor([2.0, -4.0], dtype=torch.float64),
    optimum=torch.tensor([1.0, -1.0], dtype=torch.float64),
)


@pytest.mark.parametrize("limit", [0.013, 0.25, 1.0, 1.61, 70.0])
def test_bisection_finds_where_growth_sets_in(limit):
    assert bisect_rate(lambda lr: lr > limit) == pytest.approx(limit, rel=PRECISION)


def test_the_critical_rate_of_a_known_parabola():
    start = random_start(PARABOLAS, 0, "critical start")
    row = critical_row(PARABOLAS, 0, partial(loss_grows, PARABOLAS, start))
    assert row["predicted"] == pytest.approx(0.25, rel=1e-12)
    assert row["measured"] == pytest.approx(0.25, rel=PRECISION)


def test_a_descent_is_that_of_pytorchs_optimiser():
    w = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimiser = torch.optim.SGD([w], lr=0.1)
    for _ in range(5):
        optimiser.zero_grad()
        ((PARABOLAS.X @ w - PARABOLAS.y).square().mean() / 2).backward()
        optimiser.step()
    places = list(descend(PARABOLAS, 0.1, 5))
    assert len(places) == 6
    torch.testing.assert_close(places[-1], w.detach(), rtol=1e-12, atol=1e-14)  # rounding


@pytest.mark.parametrize(("lr", "factor"), [(0.05, 0.9), (0.2, 0.6), (0.24, 0.92), (0.1, 0.8)])
def test_the_contraction_is_that_of_the_slower_parabola(lr, factor):
    assert contraction(PARABOLAS, lr) == pytest.approx(factor, rel=1e-12)


def test_measured_contractions_are_the_predicted_ones():
    for row in contraction_rows(PARABOLAS, (0.1, 0.5, 0.9), seed=0):
        assert row["measured"] == pytest.approx(row["predicted"], rel=1e-3)  # what is left of the faster parabola


def test_the_slope_is_that_of_a_line_and_of_least_squares():
    assert slope([5.0, 3.5, 2.0, 0.5]) == pytest.approx(-1.5, rel=1e-12)
    assert slope([0.0, 3.0, 3.0]) == pytest.approx(1.5, rel=1e-12)  # by hand: (-1 * 0 + 0 * 3 + 1 * 3) / 2


def test_curves_fall_below_the_critical_rate_and_rise_beyond():
    losses = {}
    for row in curve_rows(PARABOLAS, 10):
        losses.setdefault(row["factor"], []).append(row["loss"])
    assert sorted(losses) == [0.5, 0.95, 1.05, 2.0]
    for factor, values in losses.items():
        assert len(values) == 11
        assert (values[-1] > values[-2]) == (factor > 1)
    assert losses[2.0][0] == PARABOLAS.loss(torch.zeros(2, dtype=torch.float64))
    assert math.isfinite(losses[2.0][-1])
