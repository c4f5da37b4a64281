"""Is the price of a house linear in its area and age? And two published linear models of it, fitted again."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.housing import read_table, sales_of
from dlstudy.experiments.linearity import curves, facts, score_folds
from dlstudy.experiments.linearity_published import reproduced, score_splits
from dlstudy.params.base import load_section
from dlstudy.params.experiments import LinearityParams
from dlstudy.published import load_published

OUT = Path("results/experiments/linearity")

if __name__ == "__main__":
    params = load_section("experiments.linearity", LinearityParams)
    table = read_table(Path("data/raw/housing/ames_housing.csv"))
    sales = sales_of(table)
    splits = score_splits(table, params)
    write_csv(OUT / "folds.csv", score_folds(sales, params))
    write_csv(OUT / "curves.csv", curves(sales, params.num_knots))
    write_csv(OUT / "splits.csv", splits)
    write_csv(OUT / "reproduced.csv", reproduced(table, splits, load_published().housing))
    write_json(OUT / "facts.json", facts(sales, params))
