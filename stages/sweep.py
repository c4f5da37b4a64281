"""Try one activation over all depths and initialisers: `python -m stages.sweep relu`."""

import sys
from pathlib import Path

from dlstudy.core.artifacts import write_csv
from dlstudy.core.dataset import load_dataset
from dlstudy.core.params import load_section
from dlstudy.experiments.sweep.cells import sweep
from dlstudy.experiments.sweep.params import SweepProtocol
from dlstudy.training.params import SEEDS

if __name__ == "__main__":
    activation = sys.argv[1]
    protocol, seeds = load_section("sweep.protocol", SweepProtocol), load_section("seeds", SEEDS)
    tables = sweep(load_dataset(Path("data/prepared/images.pt")), activation, protocol, seeds)
    for name, table in tables.items():
        write_csv(Path(f"results/sweep/{activation}/{name}.csv"), table)
