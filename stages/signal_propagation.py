"""Measure how signals travel through networks, forwards and backwards: `python -m stages.signal_propagation`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.signal_propagation import facts, propagate
from dlstudy.experiments.signal_training import trainings
from dlstudy.params.base import load_section
from dlstudy.params.signal import SignalParams
from dlstudy.params.train import SEEDS

FOLDER = Path("results/experiments/signal_propagation")

if __name__ == "__main__":
    params, seeds = load_section("experiments.signal_propagation", SignalParams), load_section("seeds", SEEDS)
    dataset = load_dataset(Path("data/prepared/images.pt"))
    tables = propagate(dataset, params, seeds) | trainings(dataset, params, seeds)
    for name, table in tables.items():
        write_csv(FOLDER / f"{name}.csv", table)
    write_json(FOLDER / "facts.json", facts(dataset, params, seeds))
