"""Closed forms and their limits, against hand-worked cases, enumeration, scikit-learn and automatic derivatives."""

from functools import partial
from itertools import combinations, permutations, product

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression

from dlstudy.closed_form.least_squares import with_ones
from dlstudy.core.base.dataset import Split
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.params import ParamsError
from dlstudy.data.housing import read_table
from dlstudy.experiments.linear_theory.params import LinearTheoryParams
from dlstudy.experiments.linear_theory.run import (
    Inputs,
    losses,
    perceptron,
    run,
    solving,
)
from tests.conftest import ROOT


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def small():
    X = draws(40, 2)
    return Split(X, X[:, 0] * 2 - X[:, 1] + draws(40, seed=1))


@pytest.fixture(scope="module")
def table():
    return read_table(ROOT / "datasets" / "housing" / "ames_housing.csv")


def test_a_single_seed_has_no_minima_to_compare():
    with pytest.raises(ParamsError, match=r"seeds: expected two at least, .* found \[3\]"):
        run(Inputs(*[None] * 4), None, (3,))


# --- Losses ---


def test_the_loss_of_each_is_half_its_squared_error():
    found = losses.loss_of_each(torch.tensor([3.0, 1.0, -2.0]), torch.tensor([1.0, 1.0, 2.0]))
    assert found.tolist() == [2.0, 0.0, 8.0]


def test_real_errors_are_counted_without_exception():
    found = losses.error_checks(draws(50), draws(50, seed=1)).set_index("check")
    assert found["num_exceptions"].sum() == 0
    assert found["num_cases"].tolist() == [50, 50, 50, 49]


def test_an_error_whose_square_vanishes_is_an_exception():
    tiny = 10.0 ** losses.vanishing_power()
    assert tiny > 0
    assert tiny**2 == 0
    assert (10 * tiny) ** 2 > 0
    found = losses.error_checks(torch.tensor([tiny, 2.0], dtype=torch.float64), torch.zeros(2)).set_index("check")
    assert found.loc["zero only where output equals target", "num_exceptions"] == 1


def test_equal_errors_are_no_case_of_a_larger_error():
    found = losses.error_checks(torch.tensor([1.0, -1.0, 2.0]), torch.zeros(3)).set_index("check")
    assert found.loc["larger where the error is larger", "num_cases"] == 1


def test_the_best_constants_are_mean_and_median():
    prices = torch.tensor([1.0, 2.0, 4.0, 10.0, 33.0], dtype=torch.float64)
    found = losses.best_constants(prices).set_index("loss")
    assert found.loc["squared", "predicted"] == 10.0
    assert found.loc["absolute", "predicted"] == 4.0
    # Brent's method on a smooth loss finds its place to some 1e-8 of the range, no better.
    assert found["relative_difference"].max() < 1e-6


def test_every_value_between_the_middle_two_is_a_median():
    values = torch.tensor([5.0, 1.0, 2.0, 9.0])
    assert [losses.nearest_median(values, place) for place in (0.0, 3.5, 7.0)] == [2.0, 3.5, 5.0]


@pytest.mark.parametrize("seed", range(5))
def test_least_absolute_deviations_match_the_enumeration_of_planes_through_points(seed):
    # Some best plane of p coefficients passes through p points: try every triple.
    X = np.column_stack([draws(9, 2, seed=seed).numpy(), np.ones(9)])
    y = draws(9, seed=seed + 100).numpy()
    planes = [np.linalg.solve(X[list(rows)], y[list(rows)]) for rows in combinations(range(9), 3)]
    best = min(planes, key=lambda plane: np.abs(X @ plane - y).sum())
    found = losses.least_absolute(torch.tensor(X), torch.tensor(y))
    np.testing.assert_allclose(found, best, rtol=1e-8)  # HiGHS solves the vertex to rounding


def test_the_fit_of_least_absolute_deviations_to_the_houses_cannot_be_improved_nearby(sales):
    best = np.array(losses.plane("absolute", sales))
    X = np.column_stack([sales[["area", "age"]], np.ones(len(sales))])

    def total(plane):
        return np.abs(X @ plane - sales["price"].to_numpy()).sum()

    # The loss is convex: what cannot be improved in small steps is best. 1e-9: the rounding of a sum of 2,930.
    for steps in product((-1e-4, 0, 1e-4), repeat=3):
        assert total(best * (1 + np.array(steps))) >= total(best) * (1 - 1e-9)


def test_fits_are_with_and_without_the_five_largest_houses(sales):
    found = losses.fits_with_and_without_large(sales).set_index(["loss", "houses", "name"])["value"].sort_index()
    assert losses.facts(sales)["num_large"] == 5
    rest = sales[sales["area"] <= 4000]
    for houses, rows in (("all", sales), ("without large", rest)):
        model = LinearRegression().fit(rows[["area", "age"]].to_numpy(), rows["price"])
        expected = [*model.coef_, model.intercept_]
        np.testing.assert_allclose([found["squared", houses, name] for name in losses.NAMES], expected, rtol=1e-8)


# --- Solutions ---


@pytest.mark.parametrize("name", solving.ROUTES)
def test_every_route_agrees_with_scikit_learn(name, small):
    model = LinearRegression().fit(small.features.numpy(), small.targets.numpy())
    found = solving.ROUTES[name](with_ones(small.features), small.targets)
    np.testing.assert_allclose(found, [*model.coef_, model.intercept_], rtol=1e-8)  # well conditioned: far better


def test_differences_of_routes_are_of_all_pairs(small):
    found = solving.route_differences({"a": small, "b": small})
    assert len(found) == 2 * 6
    assert found["difference"].max() < 1e-12


def test_one_step_of_descent_by_hand():
    # y = x at x = 1 and 3, from zeros with rate 0.1: gradient = mean of -y (x, 1) = -(5, 2), so w = (0.5, 0.2).
    split = Split(torch.tensor([[1.0], [3.0]]).double(), torch.tensor([1.0, 3.0]).double())
    distances = solving.distances_of_descent(split, torch.zeros(1, 2).double(), 0.1, 1)
    assert distances[0].item() == pytest.approx(1.0)
    assert distances[1].item() == pytest.approx(np.hypot(0.5, 0.2))


def test_descent_needs_no_more_steps_than_theory_allows(small):
    (row,) = solving.descents({"small": small}, 200).to_dict("records")
    assert 0 < row["num_steps_needed"] <= row["num_steps_allowed"] < 200
    assert row["distance"] < 1e-12


def test_descent_from_anywhere_ends_at_one_place(small):
    found = solving.descents_from_anywhere(small, (0, 1), 500)
    last = found[found["step"] == 500]
    assert len(last) == len(solving.STARTS) * 2
    assert last["distance"].max() < 1e-12
    assert found.loc[found["init"] == "wide", "distance"].max() > 1


def test_recorded_steps_hold_the_first_and_the_last():
    assert solving.recorded_steps(30) == [0, 1, 2, 5, 10, 20, 30]
    assert solving.recorded_steps(1) == [0, 1]


def test_the_totals_of_the_real_table_are_the_sums_of_their_parts(table):
    found = solving.collinear_facts(table)
    assert [found[name]["num_rows_that_do_not_add_up"] for name in ("living area", "basement")] == [0, 0]


def test_collinear_tables_lack_one_rank_and_leave_out_the_row_with_missing_values(table):
    found = solving.collinear_tables(table).set_index("table")
    assert (found["num_columns"] - found["rank"]).to_dict() == {"area and age": 0, "living area": 1, "basement": 1}
    assert found["num_rows_left_out"].to_dict() == {"area and age": 0, "living area": 0, "basement": 1}


def test_the_pseudo_inverse_fits_collinear_columns_as_scikit_learn_fits_their_parts(table):
    A, _, y = solving.problems(table)["living area"]
    parts = table[list(solving.TOTALS["living area"][1])]
    model = LinearRegression().fit(parts.to_numpy(), table["price"])
    outputs = A @ solving.METHODS["pseudo-inverse"](A, y)
    np.testing.assert_allclose(outputs, model.predict(parts.to_numpy()), rtol=1e-8)


def test_an_exactly_singular_matrix_has_no_inverse():
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64)
    assert solving.by_inverse(A, torch.ones(2, dtype=torch.float64)) is None
    assert dict(solving.measured_solution(A, None, torch.ones(2), 1.0)) == {"refused": 1.0}


def test_the_inverse_solves_a_table_of_independent_columns(small):
    A = with_ones(small.features)
    torch.testing.assert_close(solving.by_inverse(A, small.targets), solving.by_qr(A, small.targets))


# --- The perceptron ---


@pytest.fixture(params=[2, 3, 5])
def problem(request, small):
    return perceptron.Perceptron(small, num_units=request.param, weight_decay=0.01)


def loss_in_other_words(problem, theta):
    """PyTorch's own layers."""
    units = problem.units(theta)
    hidden = torch.nn.functional.linear(problem.examples.features, units[:, :-2], units[:, -2]).tanh()
    outputs = torch.nn.functional.linear(hidden, units[:, -1:].T, theta[-1:]).squeeze(1)
    mean_square = torch.nn.functional.mse_loss(outputs, problem.examples.targets)
    return mean_square / 2 + problem.weight_decay / 2 * (theta**2).sum()


def test_loss_gradient_and_hessian_are_those_of_automatic_derivatives(problem):
    theta = draws(4 * problem.num_units + 1, seed=3)
    of = partial(loss_in_other_words, problem)
    torch.testing.assert_close(problem.loss(theta), of(theta))
    torch.testing.assert_close(problem.gradient(theta), torch.autograd.functional.jacobian(of, theta))
    torch.testing.assert_close(problem.hessian(theta), torch.autograd.functional.hessian(of, theta))


def test_units_from_equal_starts_stay_equal_to_the_last_bit(problem):
    theta = torch.full((4 * problem.num_units + 1,), 0.3, dtype=torch.float64)
    found = perceptron.descend(problem, theta, 0.1, 100)
    assert found.num_steps_apart == 0
    assert problem.loss(found.end) < problem.loss(theta)


def test_units_from_random_starts_differ_at_every_step(problem):
    found = perceptron.descend(problem, draws(4 * problem.num_units + 1), 0.1, 20)
    assert found.num_steps_apart == 21
    assert sorted(found.states) == [0, 1, 2, 5, 10, 20]


def test_a_start_is_that_of_the_networks_own_parameters():
    theta = perceptron.start_of_seed(2, 3, seed=4)
    assert theta.shape == (13,)
    assert torch.equal(theta, perceptron.start_of_seed(2, 3, seed=4))
    assert (theta.view(-1)[[2, 6, 10, 12]] == 0).all()  # Xavier's biases
    bounds = {0: (6 / 5) ** 0.5, 3: (6 / 4) ** 0.5}  # incoming: fans of 2 and 3; outgoing: of 3 and 1
    for place, bound in bounds.items():
        assert 0 < theta[place].abs() <= bound


def test_a_descent_that_does_not_stay_finite_names_the_parameter(problem):
    with pytest.raises(DivergedError, match="learning_rate"):
        perceptron.descend(problem, draws(4 * problem.num_units + 1), 1e200, 10)


def test_newtons_method_ends_in_a_minimum(problem):
    start = draws(4 * problem.num_units + 1, seed=5)
    theta, num_steps = perceptron.minimise(problem, start)
    assert num_steps < perceptron.MAX_NEWTON_STEPS
    assert problem.gradient(theta).norm() < 1e-8
    assert torch.linalg.eigvalsh(problem.hessian(theta))[0] > 0
    assert problem.loss(theta) < problem.loss(start)


def test_reordered_units_with_other_signs_are_the_same_network(problem):
    theta = draws(4 * problem.num_units + 1, seed=6)
    other = perceptron.same_function(problem, theta)
    assert not torch.equal(other, theta)
    torch.testing.assert_close(problem.loss(other), problem.loss(theta))
    assert perceptron.distance_up_to_symmetry(problem, theta, other) == 0


def test_the_distance_is_the_least_over_all_orders_and_signs(small):
    problem = perceptron.Perceptron(small, num_units=3, weight_decay=0.01)
    first, second = draws(13, seed=7), draws(13, seed=8)
    units = problem.units(second)
    every = [
        torch.cat([(torch.tensor(signs).double().unsqueeze(1) * units[list(order)]).flatten(), second[-1:]])
        for order in permutations(range(3))
        for signs in product((-1, 1), repeat=3)
    ]
    least = min((first - other).norm().item() for other in every) / max(first.norm(), second.norm()).item()
    assert perceptron.distance_up_to_symmetry(problem, first, second) == pytest.approx(least, rel=1e-12)


# --- Softmax regression ---


def test_the_hessian_of_softmax_regression_is_that_of_automatic_derivatives():
    X, classes, weights = draws(12, 3), torch.arange(12) % 4, draws(12, seed=1)
    loss = lambda w: torch.nn.functional.cross_entropy(X @ w.view(-1, 4), classes)  # noqa: E731
    expected = torch.autograd.functional.hessian(loss, weights)
    torch.testing.assert_close(losses.softmax_hessian(X, 4, weights), expected)


def test_an_affine_gradient_does_not_bend_and_a_square_does():
    first, second = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 0.0])
    assert losses.bend(lambda w: 3 * w + 1, first, second) == 0
    # Squares at (1, 2) and (3, 0) have the mean (5, 2); at their middle (2, 1) they are (4, 1).
    assert losses.bend(torch.square, first, second) == pytest.approx((2 / 29) ** 0.5)


def test_small_images_are_means_of_blocks(images):
    found = losses.small_images(images)
    first = images.train.features[0, :7, 7:14].double().mean() / 255
    assert found.features.shape == (200, 16)
    assert found.features[0, 1].item() == pytest.approx(first.item())


# --- All of it ---


@pytest.fixture(scope="module")
def inputs(houses, table, known_line, images):
    return Inputs(houses, table, known_line, images)


PARAMS = LinearTheoryParams(hidden_units=2, num_descent_steps=20, learning_rate=0.1, weight_decay=0.01)


@pytest.fixture(scope="module")
def found(inputs):
    return run(inputs, PARAMS, (0, 1))


def tables(found):
    return {name: content for name, content in found.items() if name != "facts"}


def test_tables_are_complete_and_finite(found):
    for name, content in tables(found).items():
        assert len(content), name
        assert not content.isna().any().any(), name
        assert np.isfinite(content.select_dtypes("number").to_numpy(dtype=float)).all(), name


def test_tables_are_the_same_each_time(inputs, found):
    again = run(inputs, PARAMS, (0, 1))
    for name, content in tables(found).items():
        pd.testing.assert_frame_equal(again[name], content, check_exact=True)


def test_facts_tell_the_sizes(inputs, found):
    told = found["facts"]
    assert told["num_train"] == len(inputs.houses.train)
    assert told["softmax"]["num_parameters"] == 17 * 10
