import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from scipy.interpolate import CubicSpline
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, root_mean_squared_error

from dlstudy.closed_form.least_squares import by_normal_equations, with_ones
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.data.housing import read_table
from dlstudy.experiments.linearity.params import LinearityParams
from dlstudy.experiments.linearity.plane import (
    PLANE,
    Expansion,
    LinearFit,
    curves,
    facts,
    folds,
    knots_of,
    natural_spline,
    score_fold,
    score_folds,
)
from dlstudy.experiments.linearity.published import (
    de_cock,
    dummies,
    frequent,
    recipe_columns,
    reproduced,
    score_splits,
    stratified_split,
    tidy_models_split,
)
from dlstudy.literature.published import load_published
from tests.conftest import ROOT

PARAMS = LinearityParams(num_repeats=2, num_folds=5, num_knots=6, seed=3)
# Two backward stable solvers of columns with a condition number of some 1e4 differ by 1e4 * 1e-16 * a few.
CLOSE = 1e-9


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return read_table(ROOT / "datasets" / "housing" / "ames_housing.csv")


@pytest.fixture
def numbers(sales):
    return sales[["area", "age"]].to_numpy(), sales["price"].to_numpy()


@pytest.fixture
def on_a_plane() -> pd.DataFrame:
    """400 houses whose price, and no other number, is exactly a plane of area and age."""
    stream = generator(0, "houses on a plane")
    area = 600 + 2000 * torch.rand(400, generator=stream, dtype=torch.float64)
    age = 100 * torch.rand(400, generator=stream, dtype=torch.float64)
    return pd.DataFrame({"price": 200_000 + 50 * area - 300 * age, "area": area, "age": age}).astype("float64")


# --- The basis ---


def test_the_basis_spans_the_natural_cubic_splines_of_scipy():
    knots = torch.tensor([1.0, 2.5, 3.0, 7.0, 9.0], dtype=torch.float64)
    heights = np.array([2.0, -1.0, 0.5, 4.0, 3.0])
    # As many columns, with the constant, as knots: least squares interpolates.
    fit = LinearRegression().fit(natural_spline(knots, knots).numpy(), heights)
    between = torch.linspace(1, 9, 50, dtype=torch.float64)
    expected = CubicSpline(knots.numpy(), heights, bc_type="natural")(between.numpy())
    np.testing.assert_allclose(fit.predict(natural_spline(between, knots).numpy()), expected, atol=1e-9)


def test_beyond_the_outer_knots_every_column_is_straight():
    knots = torch.tensor([1.0, 2.0, 4.0, 5.0], dtype=torch.float64)
    for start in (-9.0, 5.0):
        columns = natural_spline(start + torch.arange(10, dtype=torch.float64), knots)
        assert columns.shape == (10, 3)
        # Differences of cubes of numbers up to 14 / 4: rounding at 1e-14 or so.
        torch.testing.assert_close(columns.diff(n=2, dim=0), torch.zeros(8, 3, dtype=torch.float64), atol=1e-12, rtol=0)


def test_knots_are_quantiles_from_the_5th_to_the_95th_hundredth():
    column = torch.arange(101, dtype=torch.float64)
    torch.testing.assert_close(knots_of(column, 3), torch.tensor([5.0, 50.0, 95.0], dtype=torch.float64))


def test_knots_that_coincide_are_an_error_that_says_what_to_change():
    with pytest.raises(ParamsError, match=r"linearity\.num_knots: expected .* found 4, of which 2 coincide"):
        knots_of(torch.tensor([1.0] * 90 + [2.0] * 10, dtype=torch.float64), 4)


def test_products_are_those_of_each_column_of_one_feature_with_each_of_the_other():
    features = torch.rand(50, 2, generator=generator(0, "features"), dtype=torch.float64)
    plain, richer = Expansion.of(features, 3)(features), Expansion.of(features, 3, products=True)(features)
    assert plain.shape == (50, 4)
    expected = [plain[:, first] * plain[:, second] for first in (0, 1) for second in (2, 3)]
    torch.testing.assert_close(richer, torch.cat([plain, torch.stack(expected, dim=1)], dim=1))


def test_the_plane_is_that_of_scikit_learn(numbers):
    X, y = numbers
    fit = LinearFit.of(PLANE, torch.tensor(X), torch.tensor(y))
    np.testing.assert_allclose(fit(torch.tensor(X)), LinearRegression().fit(X, y).predict(X), rtol=CLOSE)


def test_normal_equations_solve_a_case_worked_by_hand():
    # Through (0, 1), (1, 3), (2, 5): slope 2, intercept 1.
    X = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    solution = by_normal_equations(with_ones(X), torch.tensor([1.0, 3.0, 5.0], dtype=torch.float64))
    torch.testing.assert_close(solution, torch.tensor([2.0, 1.0], dtype=torch.float64))


# --- Cross-validation ---


def test_each_repeat_holds_every_row_out_once_in_folds_of_like_size():
    found = list(folds(103, PARAMS))
    assert [(fold.repeat, fold.number) for fold in found] == [(r, n) for r in (1, 2) for n in (1, 2, 3, 4, 5)]
    for repeat in (1, 2):
        rows = [fold.held_out for fold in found if fold.repeat == repeat]
        assert sorted(row for part in rows for row in part) == list(range(103))
        assert {len(part) for part in rows} == {20, 21}
    assert found[0].held_out != found[5].held_out


def test_a_fold_is_scored_as_scikit_learn_scores_it(numbers):
    X, y = numbers
    fold = next(fold for fold in folds(len(y), PARAMS) if X[list(fold.held_out), 0].max() > 4000)
    row = score_fold(torch.tensor(X), {"dollars": torch.tensor(y), "log": torch.tensor(y).log()}, 6, fold)
    test = list(fold.held_out)
    train = np.setdiff1d(np.arange(len(y)), test)
    plane = LinearRegression().fit(X[train], y[train]).predict(X[test])
    assert row["plane_dollars"] == pytest.approx(root_mean_squared_error(y[test], plane), rel=CLOSE)
    usual = X[test][:, 0] <= 4000
    assert 0 < usual.sum() < len(test)
    expected = root_mean_squared_error(y[test][usual], plane[usual])
    assert row["plane_dollars_usual"] == pytest.approx(expected, rel=CLOSE)
    trees = GradientBoostingRegressor(random_state=0).fit(X[train], np.log(y[train])).predict(X[test])
    assert row["boosting_log"] == pytest.approx(root_mean_squared_error(np.log(y[test]), trees), rel=CLOSE)


def test_on_a_plane_neither_plane_nor_spline_errs(on_a_plane, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")  # others take seconds to start
    table = score_folds(on_a_plane, LinearityParams(num_repeats=2, num_folds=2, num_knots=4, seed=0))
    assert len(table) == 4
    # Prices of some 1e5 dollars, solved to 1e-13 of that.
    assert table[["plane_dollars", "spline_dollars"]].max().max() < 1e-6
    assert table["disagreement"].max() < 1e-8


# --- All sales ---


def test_on_a_plane_the_curves_are_flat(on_a_plane):
    assert curves(on_a_plane, 4)["dollars"].abs().max() < 1e-6


def test_the_curves_of_both_features_add_up_to_spline_minus_plane(sales):
    found = curves(sales, 6)
    features, prices = torch.tensor(sales[["area", "age"]].to_numpy()), torch.tensor(sales["price"].to_numpy())
    spline = LinearFit.of(Expansion.of(features, 6), features, prices)
    apart = (spline(features) - LinearFit.of(PLANE, features, prices)(features)).numpy()
    # Both fits have the mean of the prices. Read off the drawn curves: 121 points, straight in between.
    parts = [
        np.interp(sales[name], rows["value"], rows["dollars"]) for name, rows in found.groupby("feature", sort=False)
    ]
    np.testing.assert_allclose(sum(parts), apart, atol=500)  # dollars, of some 10,000


def test_the_facts_tell_the_published_share_of_variance_and_the_plane_in_units(sales, numbers):
    X, y = numbers
    found = facts(sales, PARAMS)
    plane = found["planes"]["dollars"]
    assert plane["r2"] == pytest.approx(0.659, abs=5e-4)  # published to three digits
    model = LinearRegression().fit(X, y)
    expected = [model.intercept_, *model.coef_]
    np.testing.assert_allclose([plane["intercept"], plane["area"], plane["age"]], expected, rtol=CLOSE)
    assert found["num_columns"] == 10
    assert found["num_product_columns"] == 35
    assert found["num_large_houses"] == 5


# --- Published fits ---


def test_dummies_leave_the_first_level_out():
    assert dummies(pd.Series(["b", "a", "c"]), ["a", "b", "c"]).tolist() == [[1, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize(("largest", "num_rows"), [(None, 2929), (4000.0, 2924)])
def test_de_cocks_fit_is_that_of_scikit_learn(table, largest, num_rows):
    rows = table[table["Total.Bsmt.SF"].notna() & (table["area"] <= (largest or np.inf))]
    X = pd.get_dummies(rows["Neighborhood"]).astype(float).assign(total=rows["Total.Bsmt.SF"] + rows["area"])
    expected = r2_score(rows["price"], LinearRegression().fit(X, rows["price"]).predict(X))
    assert de_cock(table, largest_area=largest) == (num_rows, pytest.approx(expected, rel=CLOSE))


def test_a_split_takes_four_fifths_of_each_quarter_of_the_prices():
    prices = torch.arange(100, dtype=torch.float64).flip(0)
    train, test = stratified_split(prices, generator(0, "split"))
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(100))
    assert torch.histc(prices[test], 4, 0, 100).tolist() == [5, 5, 5, 5]


def test_a_level_of_less_than_a_hundredth_of_the_rows_is_not_frequent():
    assert frequent(pd.Series(["b"] * 195 + ["a"] * 2 + ["rare"] * 3 + ["z"] * 1)) == ["b", "rare"]


def test_the_columns_of_the_recipe_worked_by_hand():
    rows = pd.DataFrame(
        {
            "area": [1000, 100],
            "Year.Built": [1990, 2000],
            "Neighborhood": ["unheard of", "b"],
            "Bldg.Type": ["1Fam", "Twnhs"],
        }
    )
    # log10 area, year, is b, is another, is a town house, that times log10 area
    expected = torch.tensor([[3, 1990, 0, 1, 0, 0], [2, 2000, 1, 0, 1, 2]], dtype=torch.float64)
    torch.testing.assert_close(recipe_columns(rows, ["a", "b"], ["1Fam", "Twnhs"]), expected)


def test_the_books_model_is_scored_as_scikit_learn_and_scipy_score_it(table):
    prices = np.log10(table["price"].to_numpy())
    train, test = stratified_split(torch.tensor(prices), generator(7, "split"))
    places = table["Neighborhood"].iloc[train.numpy()].value_counts(normalize=True)
    place = table["Neighborhood"].where(table["Neighborhood"].isin(places.index[places >= 0.01]), "other")
    building = pd.get_dummies(table["Bldg.Type"]).astype(float)
    area = np.log10(table["area"])
    X = np.column_stack([area, table["Year.Built"], pd.get_dummies(place), building, building.mul(area, axis=0)])
    predictions = LinearRegression().fit(X[train], prices[train]).predict(X[test])
    found = tidy_models_split(table, generator(7, "split"))
    # The columns here are collinear (every dummy, with an intercept), which costs some digits.
    assert found["rmse"] == pytest.approx(root_mean_squared_error(prices[test], predictions), rel=1e-6)
    assert found["r2"] == pytest.approx(stats.pearsonr(prices[test], predictions).statistic ** 2, rel=1e-6)


def test_published_figures_stand_beside_ours_with_their_range(table):
    splits = score_splits(table, PARAMS)
    found = reproduced(table, splits, load_published().housing).set_index("key")
    assert found["published"].to_dict() == {
        "de_cock_all": 0.80,
        "de_cock_usual": 0.80,
        "tidy_r2": 0.836,
        "tidy_rmse": 0.0736,
        "tidy_resampled": 0.0799,
    }
    assert found.loc["tidy_rmse", "low"] == splits["rmse"].min()
    assert ((found["low"] <= found["ours"]) & (found["ours"] <= found["high"])).all()
    assert found["num_fits"].tolist() == [1, 1, 2, 2, 2]
