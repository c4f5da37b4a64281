"""Compare squared error with cross-entropy on images: `python -m stages.losses`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.losses import compare
from dlstudy.params.base import load_section
from dlstudy.params.experiments import LossesParams
from dlstudy.params.train import SEEDS

FOLDER = Path("results/experiments/losses")

if __name__ == "__main__":
    params, seeds = load_section("experiments.losses", LossesParams), load_section("seeds", SEEDS)
    found = compare(load_dataset(Path("data/prepared/images.pt")), params, seeds)
    for name, table in found.tables.items():
        write_csv(FOLDER / f"{name}.csv", table)
    write_json(FOLDER / "facts.json", found.facts)
