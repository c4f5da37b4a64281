"""Ames housing: the price of a house on its living area and age (De Cock, Journal of Statistics Education, 2011)."""

from pathlib import Path
from typing import Final

import pandas as pd
import torch

from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.base.errors import DataError
from dlstudy.core.base.randomness import generator
from dlstudy.data.params import HousingParams

COLUMNS: Final = ("price", "area", "Year.Built", "Yr.Sold")


def read_table(path: Path) -> pd.DataFrame:
    """The table as it is; only an empty cell is a missing value, whatever words pandas takes for one."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    if lacking := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path}: expected columns {', '.join(COLUMNS)}, found no {', '.join(lacking)}")
    for name in COLUMNS:
        if not pd.api.types.is_numeric_dtype(table[name]) or table[name].isna().any():
            raise DataError(f"{path}: expected a number in every row of column {name}, found other values")
    for name in ("price", "area"):
        if (table[name] <= 0).any():
            raise DataError(f"{path}: expected {name} above 0, found {table[name].min()}")
    return table


def sales_of(table: pd.DataFrame) -> pd.DataFrame:
    """One row per sale: price in dollars, area in square feet, age in years (year of sale - year of building).

    A house sold before it was finished has a negative age, and keeps it.
    """
    age = table["Yr.Sold"] - table["Year.Built"]
    return pd.DataFrame({"price": table["price"], "area": table["area"], "age": age}).astype("float64")


def prepare(sales: pd.DataFrame, params: HousingParams) -> Dataset:
    """The sales as a data set, shuffled by the seed, then divided into training, validation and test rows."""
    features = torch.tensor(sales[["area", "age"]].to_numpy(), dtype=torch.float64)
    prices = torch.tensor(sales["price"].to_numpy(), dtype=torch.float64)
    order = torch.randperm(len(sales), generator=generator(params.seed, "split"))
    held_out = params.validation_size, params.test_size
    parts = order.split([len(sales) - sum(held_out), *held_out])
    train, validation, test = (Split(features[rows], prices[rows]) for rows in parts)
    return Dataset(
        task="regression",
        train=train,
        validation=validation,
        test=test,
        feature_scale=Scale.of(train.features),
        target_scale=Scale.of(train.targets),
        feature_names=("area (square feet)", "age (years)"),
        target_name="price (dollars)",
    )


def facts(table: pd.DataFrame, dataset: Dataset) -> dict[str, object]:
    """What the data sheet says: sizes, ranges, missing values, negative ages."""
    sales, missing, scale = sales_of(table), table.isna().sum(), dataset.feature_scale
    return {
        "num_examples": dataset.num_examples,
        "num_sales": len(table),
        "num_columns": len(table.columns),
        "summary": sales.agg(["min", "median", "mean", "max"]).to_dict(),
        "num_negative_ages": int((sales["age"] < 0).sum()),
        "num_columns_with_missing_values": int((missing > 0).sum()),
        "num_missing_values_in_used_columns": int(missing[list(COLUMNS)].sum()),
        "most_missing": {str(name): int(count) for name, count in missing.nlargest(5).items()},
        "train_scale": {
            name: {"mean": mean, "std": std}
            for name, mean, std in zip(dataset.feature_names, scale.mean.tolist(), scale.std.tolist(), strict=True)
        },
    }
