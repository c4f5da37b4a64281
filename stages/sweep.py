"""Try one activation over all depths and initialisers: `python -m stages.sweep relu`."""

import sys
from pathlib import Path

from dlstudy.artifacts import write_csv
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.sweep import sweep
from dlstudy.params.base import load_section
from dlstudy.params.sweep import SweepProtocol
from dlstudy.params.train import SEEDS

if __name__ == "__main__":
    activation = sys.argv[1]
    protocol, seeds = load_section("sweep.protocol", SweepProtocol), load_section("seeds", SEEDS)
    tables = sweep(load_dataset(Path("data/prepared/images.pt")), activation, protocol, seeds)
    for name, table in tables.items():
        write_csv(Path(f"results/sweep/{activation}/{name}.csv"), table)
