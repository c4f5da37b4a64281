"""Two published linear models of the Ames prices, fitted again as near to their description as the table allows."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.base.randomness import generator
from dlstudy.experiments.linearity.params import LinearityParams
from dlstudy.experiments.linearity.plane import LARGE_AREA, PLANE, LinearFit, explained, rmse
from dlstudy.literature.published import PublishedFit

RARE: Final = 0.01  # a neighbourhood with a smaller share of the training rows is lumped with the others such
TRAIN_SHARE: Final = 0.8
NUM_STRATA: Final = 4
OTHER: Final = "other"


def dummies(values: "pd.Series[Any]", levels: Sequence[str]) -> Tensor:
    """A column of 0 and 1 for each level but the first: (rows, levels - 1), float64."""
    return torch.stack([torch.tensor((values == level).to_numpy(dtype="float64")) for level in levels[1:]], dim=1)


def de_cock(table: pd.DataFrame, *, largest_area: float | None = None) -> tuple[int, float]:
    """How many rows there were, and R squared of the price on neighbourhood and total square feet, basement included.

    A row without a basement's size is left out, as R leaves out what is missing. `largest_area`: drop larger houses.
    De Cock, Journal of Statistics Education 19(3), 2011.
    """
    rows = table[table["Total.Bsmt.SF"].notna() & (table["area"] <= (largest_area or table["area"].max()))]
    total = torch.tensor((rows["Total.Bsmt.SF"] + rows["area"]).to_numpy(dtype="float64"))
    places = dummies(rows["Neighborhood"], sorted(rows["Neighborhood"].unique()))
    X, y = torch.cat([total.unsqueeze(1), places], dim=1), torch.tensor(rows["price"].to_numpy(dtype="float64"))
    return len(rows), explained(LinearFit.of(PLANE, X, y)(X), y)


# --- Tidy Modeling with R ---


def stratified_split(prices: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """Training and test rows, 80 : 20 in each quarter of the prices (rows,)."""
    levels = torch.linspace(0, 1, NUM_STRATA + 1, dtype=prices.dtype)[1:-1]
    strata = torch.bucketize(prices, torch.quantile(prices, levels))
    train, test = [], []
    for stratum in range(NUM_STRATA):
        (rows,) = torch.nonzero(strata == stratum, as_tuple=True)
        shuffled = rows[torch.randperm(len(rows), generator=stream)]
        cut = int(TRAIN_SHARE * len(rows))
        train.append(shuffled[:cut])
        test.append(shuffled[cut:])
    return torch.cat(train).sort().values, torch.cat(test).sort().values


def frequent(values: "pd.Series[Any]") -> list[str]:
    """The levels that at least a hundredth of the rows has, in alphabetical order."""
    shares = values.value_counts(normalize=True)
    return sorted(str(level) for level in shares.index[shares >= RARE])


def recipe_columns(table: pd.DataFrame, neighbourhoods: Sequence[str], building_types: Sequence[str]) -> Tensor:
    """The columns of the book's recipe but for the splines of latitude and longitude: (rows, columns).

    Logarithm of the living area, year of building, neighbourhood, type of building, and type times logarithm of area.
    """
    area = torch.tensor(table["area"].to_numpy(dtype="float64")).log10().unsqueeze(1)
    year = torch.tensor(table["Year.Built"].to_numpy(dtype="float64")).unsqueeze(1)
    place = table["Neighborhood"].where(table["Neighborhood"].isin(neighbourhoods), OTHER)
    building = dummies(table["Bldg.Type"], building_types)
    return torch.cat([area, year, dummies(place, [*neighbourhoods, OTHER]), building, building * area], dim=1)


def tidy_models_split(table: pd.DataFrame, stream: torch.Generator) -> dict[str, float]:
    """Root mean squared error and squared correlation on the test rows of one split, in log10 dollars.

    Squared correlation is what the book's `rsq` is: unlike 1 - residual / total it forgives a shift and a stretch.
    Kuhn and Silge, Tidy Modeling with R, 2022, chapters 5 (split), 8 (recipe) and 9 (scores).
    """
    prices = torch.tensor(table["price"].to_numpy(dtype="float64")).log10()
    train, test = stratified_split(prices, stream)
    training_rows = table.iloc[train.numpy()]
    levels = frequent(training_rows["Neighborhood"]), sorted(training_rows["Bldg.Type"].unique())
    columns = recipe_columns(table, *levels)
    predictions = LinearFit.of(PLANE, columns[train], prices[train])(columns[test])
    correlation = torch.corrcoef(torch.stack([predictions, prices[test]]))[0, 1]
    scores = {"rmse": rmse(predictions, prices[test]), "r2": float(correlation**2)}
    return {"num_train": len(train), "num_test": len(test), **scores}


def score_splits(table: pd.DataFrame, params: LinearityParams) -> pd.DataFrame:
    """One row per split: split, num_train, num_test, rmse, r2."""
    return pd.DataFrame(
        {"split": split, **tidy_models_split(table, generator(params.seed, f"split {split}"))}
        for split in range(1, params.num_repeats + 1)
    )


def reproduced(table: pd.DataFrame, splits: pd.DataFrame, fits: Sequence[PublishedFit]) -> pd.DataFrame:
    """One row per published figure and a way to fit: source, model, key, rows, theirs, ours, num_fits, ...

    key: a word for the row. rows: which of the table's. num_rows, num_fits: how many, and how many fits the figure of
    ours is the mean of; low, high: their range. quantity: r2 or rmse. protocol: how the published figure was got.
    """
    by_model = {fit.model: fit for fit in fits}
    de_cocks = by_model["price on neighbourhood and total square feet"]
    tidy = by_model["linear model of the logarithm of the price"]
    usual = f"without houses over {LARGE_AREA:,.0f} square feet"
    (num_all, r2_all), (num_usual, r2_usual) = de_cock(table), de_cock(table, largest_area=LARGE_AREA)
    rows, errors = "test rows of 80:20 splits", splits["rmse"].tolist()
    resampled = _row("tidy_resampled", tidy, rows, len(table), "rmse", errors) | {
        "protocol": "ten-fold cross-validation of the training rows, without splines of latitude and longitude",
        "published": tidy.resampled_rmse,
    }
    return pd.DataFrame(
        [
            _row("de_cock_all", de_cocks, "all sales", num_all, "r2", [r2_all]),
            _row("de_cock_usual", de_cocks, usual, num_usual, "r2", [r2_usual]),
            _row("tidy_r2", tidy, rows, len(table), "r2", splits["r2"].tolist()),
            _row("tidy_rmse", tidy, rows, len(table), "rmse", errors),
            resampled,
        ]
    )


def _row(key: str, fit: PublishedFit, rows: str, num_rows: int, quantity: str, values: list[float]) -> dict[str, Any]:
    return {
        "key": key,
        **fit.model_dump(include={"source", "model", "protocol"}),
        "quantity": quantity,
        "published": getattr(fit, quantity),
        "rows": rows,
        "num_rows": num_rows,
        "num_fits": len(values),
        "ours": sum(values) / len(values),
        "low": min(values),
        "high": max(values),
    }
