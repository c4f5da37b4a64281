import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score

from dlstudy.closed_form.least_squares import SEED, fit, least_squares
from dlstudy.core.base.dataset import Split

# The condition number of (area, age, 1) is some 5e3, so two backward stable float64 solvers agree to about
# 5e3 * 1e-16 * a few: far below 1e-8, which is what the study promises.
PROMISED = 1e-8


@pytest.fixture
def all_sales(sales):
    return torch.tensor(sales[["area", "age"]].to_numpy()), torch.tensor(sales["price"].to_numpy())


def test_agrees_with_numpy_on_the_real_table(all_sales):
    X, y = all_sales
    weights, bias = least_squares(X, y)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y.numpy(), rcond=None)[0]
    np.testing.assert_allclose([*weights, bias], expected, rtol=PROMISED)


def test_agrees_with_scikit_learn_on_the_real_table(all_sales):
    X, y = all_sales
    weights, bias = least_squares(X, y)
    model = LinearRegression().fit(X.numpy(), y.numpy())
    np.testing.assert_allclose([*weights, bias], [*model.coef_, model.intercept_], rtol=PROMISED)


def test_explains_the_published_share_of_the_variance_of_prices(all_sales):
    X, y = all_sales
    weights, bias = least_squares(X, y)
    r2 = r2_score(y.numpy(), (X @ weights + bias).numpy())
    assert round(r2, 3) == 0.659  # as known for price on area and age over all 2,930 sales


def test_recovers_a_line_without_noise():
    X = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [3.0, -1.0]], dtype=torch.float64)
    weights, bias = least_squares(X, X @ torch.tensor([2.0, -3.4], dtype=torch.float64) + 4.2)
    torch.testing.assert_close(weights, torch.tensor([2.0, -3.4], dtype=torch.float64))
    torch.testing.assert_close(bias, torch.tensor(4.2, dtype=torch.float64))


def test_collinear_columns_share_the_solution_of_least_norm():
    stream = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 50, generator=stream, dtype=torch.float64)
    X = torch.stack([first, second, first - 2 * second], dim=1)
    y = 3 * first + torch.randn(50, generator=stream, dtype=torch.float64) + 1
    weights, bias = least_squares(X, y)
    expected = np.linalg.pinv(np.column_stack([X, np.ones(50)])) @ y.numpy()
    np.testing.assert_allclose([*weights, bias], expected, rtol=PROMISED)


@given(num_features=st.integers(1, 6), num_extra=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_residuals_are_orthogonal_to_every_column(num_features, num_extra, seed):
    stream = torch.Generator().manual_seed(seed)
    X = torch.randn(num_features + num_extra, num_features, generator=stream, dtype=torch.float64)
    y = torch.randn(len(X), generator=stream, dtype=torch.float64)
    weights, bias = least_squares(X, y)
    residuals = y - X @ weights - bias
    # What defines least squares: X'r = 0 and 1'r = 0. All values are of order 1, and so is what rounds.
    assert torch.cat([X.T @ residuals, residuals.sum().unsqueeze(0)]).abs().max() < 1e-10


def test_the_fit_scores_as_scikit_learns_on_training_and_validation_rows(houses):
    run = fit(houses)
    model = LinearRegression().fit(houses.train.features.numpy(), houses.train.targets.numpy())
    (epoch,) = run.history
    for scores, split in ((epoch.train, houses.train), (epoch.validation, houses.validation)):
        mean_square = mean_squared_error(split.targets.numpy(), model.predict(split.features.numpy()))
        expected = mean_square / houses.train.targets.numpy().var() / 2  # targets are standardised, the loss is halved
        assert scores.loss == pytest.approx(expected, rel=PROMISED)
        assert scores.accuracy == 0
    assert (run.seed, epoch.epoch) == (SEED, 0)


def test_the_fit_depends_on_the_training_split_alone(houses):
    other = Split(houses.test.features * 2, houses.test.targets + 1)
    changed = dataclasses.replace(houses, validation=other, test=None)
    for name, values in fit(houses).parameters.items():
        assert torch.equal(fit(changed).parameters[name], values)
