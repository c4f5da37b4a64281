from itertools import permutations, product

import pytest
import torch

from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.randomness import generator
from dlstudy.experiments.sgd_theory.descent import Problem
from dlstudy.experiments.sgd_theory.minibatches import (
    Grid,
    Noise,
    exact_floor,
    excess,
    first_step_rows,
    full_batch_rows,
    independent_floors,
    independent_steps,
    num_steps_down,
    reshuffled_floors,
    reshuffled_ratio,
    simple_floor,
    step,
)


@pytest.fixture(scope="module")
def problem(houses):
    return Problem.of(houses)


@pytest.fixture(scope="module")
def noise(problem):
    return Noise.of(problem)


def small_noise(x, e):
    """One coordinate, with rows and errors given; e must be orthogonal to x, as at an optimum."""
    rows, errors = torch.tensor([x], dtype=torch.float64).T, torch.tensor(e, dtype=torch.float64)
    assert abs((rows.squeeze(1) * errors).sum().item()) < 1e-12
    return Noise(rows, errors, rows.square().mean(0))


VARIED = small_noise([1.0, -1.0, 2.0, 0.5], [1.0, 2.0, 0.25, 1.0])
CONSTANT = small_noise([1.0, -1.0, 1.0, -1.0], [1.0, 2.0, 0.5, -0.5])  # x^2 = 1: the noise is everywhere the same


def enumerated_floor(noise, lr, batch_size, *, num_steps=400):
    """The variance of one coordinate, step by step, over all minibatches of independent rows; times lambda / 2."""
    batches = [list(batch) for batch in product(range(noise.num_rows), repeat=batch_size)]
    x, e = noise.rows.squeeze(1), noise.errors
    h = torch.stack([x[batch].square().mean() for batch in batches])
    g = torch.stack([(x[batch] * e[batch]).mean() for batch in batches])
    mean = square = torch.tensor(0.0, dtype=torch.float64)
    for _ in range(num_steps):
        square = ((1 - lr * h) ** 2 * square - 2 * (1 - lr * h) * lr * g * mean + lr**2 * g**2).mean()
        mean = ((1 - lr * h) * mean - lr * g).mean()
    return (noise.eigenvalues[0] * square / 2).item()


@pytest.mark.parametrize(("lr", "batch_size"), [(0.1, 1), (0.1, 3), (0.3, 2)])
def test_the_exact_floor_is_that_of_all_minibatches(lr, batch_size):
    expected = enumerated_floor(VARIED, lr, batch_size)
    assert exact_floor(VARIED, lr, batch_size) == pytest.approx(expected, rel=1e-9)  # 400 steps leave no start


def test_the_simple_floor_is_exact_where_the_noise_is_the_same_everywhere():
    assert simple_floor(CONSTANT, 0.3, 2) == pytest.approx(exact_floor(CONSTANT, 0.3, 2), rel=1e-12)
    assert simple_floor(VARIED, 0.3, 2) < 0.95 * exact_floor(VARIED, 0.3, 2)


def test_the_floors_of_a_case_by_hand():
    # lambda = 1, c = (1 + 4 + 1/4 + 1/4) / 4 = 1.375: lr c / (2 B (2 - lr)) = 0.5 * 1.375 / (2 * 2 * 1.5)
    assert simple_floor(CONSTANT, 0.5, 2) == pytest.approx(0.5 * 1.375 / 6, rel=1e-12)


def test_both_theories_agree_at_a_small_rate(noise):
    assert exact_floor(noise, 1e-5, 8) == pytest.approx(simple_floor(noise, 1e-5, 8), rel=1e-4)


def test_fourth_moments_are_those_of_the_definition(noise):
    S = torch.randn(3, 3, generator=generator(0, "test"), dtype=torch.float64)
    expected = torch.stack([torch.outer(x, x) @ S @ torch.outer(x, x) for x in noise.rows]).mean(0)
    found = (noise.fourth_moments @ S.flatten()).reshape(3, 3)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_a_rate_at_which_sgd_does_not_settle_is_refused(noise):
    with pytest.raises(StudyError, match=r"floor_learning_rates: expected rates .* found 1"):
        exact_floor(noise, 1.0, 1)  # below the critical rate of the full batch, but not of single rows


def all_reshuffled_ends(noise, lr, batch_size):
    """The stationary mean square at the ends of epochs over all orders of the rows, by theory's own additive noise."""
    g, keep = noise.rows.squeeze(1) * noise.errors, 1 - lr * noise.eigenvalues[0].item()
    num = noise.num_rows // batch_size
    ends = []
    for order in permutations(range(noise.num_rows)):
        u = 0.0
        for k in range(num):
            u = keep * u - lr * g[list(order[k * batch_size : (k + 1) * batch_size])].mean().item()
        ends.append(u)
    return sum(u**2 for u in ends) / len(ends) / (1 - keep ** (2 * num))


@pytest.mark.parametrize(("lr", "batch_size"), [(0.1, 1), (0.5, 1), (0.3, 2), (0.3, 3)])
def test_the_ratio_of_reshuffling_is_that_of_all_orders(lr, batch_size):
    c, keep = CONSTANT.covariance.item(), 1 - lr
    independent = lr**2 * c / batch_size / (1 - keep**2)
    expected = all_reshuffled_ends(CONSTANT, lr, batch_size) / independent
    assert reshuffled_ratio(CONSTANT, lr, batch_size) == pytest.approx(expected, rel=1e-9)


def test_a_step_is_that_of_the_minibatch_gradient(problem, noise):
    rows, w = [5, 17, 5, 900], torch.tensor([0.2, -0.5, 0.1], dtype=torch.float64)
    gradient = problem.row_gradients(w)[rows].mean(0)
    vectors = problem.spectrum[1]
    u = ((w - problem.optimum) @ vectors).reshape(1, 3)
    stepped = step(u, noise.moments[rows].mean(0), torch.tensor([[0.3]], dtype=torch.float64))
    expected = (w - 0.3 * gradient - problem.optimum) @ vectors
    torch.testing.assert_close(stepped.squeeze(0), expected, rtol=1e-10, atol=1e-12)


def test_the_excess_is_the_loss_above_the_minimum(problem, noise):
    w = torch.tensor([0.2, -0.5, 0.1], dtype=torch.float64)
    above = problem.loss(w) - problem.loss(problem.optimum)
    assert excess(noise, (w - problem.optimum) @ problem.spectrum[1]).item() == pytest.approx(above, rel=1e-10)


def test_descents_have_come_up_to_their_floor_after_as_many_steps_as_said(noise):
    slowest = (1 - 0.05 * noise.eigenvalues[0].item()) ** 2
    num = num_steps_down(noise, [0.1, 0.05])
    assert slowest**num <= 1e-3 < slowest ** (num - 1)


def test_a_rate_that_overshoots_the_most_curved_direction_needs_steps_too(noise):
    """At 1.8 / the largest eigenvalue that direction keeps 0.8 of its error a step, more than any other at 0.5."""
    largest = 1.8 / noise.eigenvalues[-1].item()
    assert (1 - 0.5 * noise.eigenvalues).abs().max() < 0.8
    num = num_steps_down(noise, [0.5, largest])
    assert 0.8 ** (2 * num) <= 1e-3 < 0.8 ** (2 * (num - 1))


def test_cells_differ_by_rate_and_batch_size_and_chains_by_their_draws(noise):
    grid = Grid((0.01, 0.1), (4, 16), 3)
    (u,) = independent_steps(noise, grid, torch.zeros(3, dtype=torch.float64), 1, generator(0, "test"))
    assert u.shape == (2, 2, 3, 3)
    torch.testing.assert_close(u[1], 10 * u[0])  # the first step from the optimum is -lr g, with the same rows
    assert len({tuple(place) for place in u.flatten(0, 2).tolist()}) == 12


def test_measured_floors_come_near_to_theory(noise):
    # 32 chains x 300 steps at lr 0.1 are some 32 x 25 independent looks: a spread of about 4 %.
    grid = Grid((0.1, 0.2), (16, 64), 32)
    floors = independent_floors(noise, grid, 300, seed=0)
    for i, lr in enumerate(grid.rates):
        for j, batch_size in enumerate(grid.batch_sizes):
            assert floors[i, j].item() == pytest.approx(exact_floor(noise, lr, batch_size), rel=0.2)


def test_measured_floors_of_reshuffling_come_near_to_theory(noise):
    # 32 chains x 12 epochs: a spread of about 5 %; theory leaves out some 5 %.
    grid = Grid((0.05, 0.1), (64, 128), 32)
    floors = reshuffled_floors(noise, grid, 12, seed=0)
    for i, lr in enumerate(grid.rates):
        for j, batch_size in enumerate(grid.batch_sizes):
            theory = reshuffled_ratio(noise, lr, batch_size) * simple_floor(noise, lr, batch_size)
            assert floors[i, j].item() == pytest.approx(theory, rel=0.3)


def test_shares_of_steps_lie_between_none_and_all_and_halves_make_the_whole(problem, noise):
    grid = Grid((0.02, 0.1), (8, 64), 8)
    rows = first_step_rows(noise, grid, -problem.rotated.optimum, 40, seed=0)
    assert len(rows) == 4
    for row in rows:
        assert 0 < row["share"] < 1
        assert row["share"] == pytest.approx((row["first_half"] + row["second_half"]) / 2, rel=1e-12)


def test_every_full_batch_step_below_the_critical_rate_lowers_the_loss_and_none_beyond(problem, noise):
    start = -problem.rotated.optimum
    rows = full_batch_rows(noise, [0.1, 0.9 * problem.critical_rate, 1.5 * problem.critical_rate], start, 40)
    assert [row["share"] for row in rows[:2]] == [1, 1]
    assert rows[2]["share"] < 0.1  # its first steps may gain elsewhere
