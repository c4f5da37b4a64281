"""Measure what theory says of minibatch SGD: `python -m stages.sgd_theory`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.sgd_theory import facts, tables
from dlstudy.params.base import load_section
from dlstudy.params.experiments import SgdTheoryParams
from dlstudy.params.train import SEEDS

OUTPUT = Path("results/experiments/sgd_theory")

if __name__ == "__main__":
    params, seeds = load_section("experiments.sgd_theory", SgdTheoryParams), load_section("seeds", SEEDS)
    houses = load_dataset(Path("data/prepared/housing.pt"))
    images = load_dataset(Path("data/prepared/images.pt"))
    for name, table in tables(houses, images, params, seeds).items():
        write_csv(OUTPUT / f"{name}.csv", table)
    write_json(OUTPUT / "facts.json", facts(houses, images, params))
