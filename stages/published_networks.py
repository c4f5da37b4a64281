"""Train others' published networks by the study's own engine: `python -m stages.published_networks`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.published_networks import facts, train_all
from dlstudy.params.base import load_section
from dlstudy.params.published_networks import PublishedNetworksParams
from dlstudy.params.train import SEEDS

FOLDER = Path("results/experiments/published_networks")

if __name__ == "__main__":
    params = load_section("experiments.published_networks", PublishedNetworksParams)
    seeds = load_section("seeds", SEEDS)
    dataset = load_dataset(Path("data/prepared/images.pt"))
    for name, table in train_all(dataset, params, seeds).items():
        write_csv(FOLDER / f"{name}.csv", table)
    write_json(FOLDER / "facts.json", facts(dataset, params, seeds))
