"""Measure closed forms and their limits, on the Ames sales: `python -m stages.linear_theory`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.data.housing import read_table
from dlstudy.experiments.linear_theory import Inputs, facts, tables
from dlstudy.params.base import load_section
from dlstudy.params.experiments import LinearTheoryParams
from dlstudy.params.train import SEEDS

OUTPUT = Path("results/experiments/linear_theory")

if __name__ == "__main__":
    params, seeds = load_section("experiments.linear_theory", LinearTheoryParams), load_section("seeds", SEEDS)
    inputs = Inputs(
        houses=load_dataset(Path("data/prepared/housing.pt")),
        table=read_table(Path("data/raw/housing/ames_housing.csv")),
        synthetic=load_dataset(Path("data/prepared/synthetic.pt")),
        images=load_dataset(Path("data/prepared/images.pt")),
    )
    for name, table in tables(inputs, params, seeds).items():
        write_csv(OUTPUT / f"{name}.csv", table)
    write_json(OUTPUT / "facts.json", facts(inputs, params, seeds))
