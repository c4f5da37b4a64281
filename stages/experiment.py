"""Run an experiment and write its tables and facts: `python -m stages.experiment losses`."""

import sys
from importlib import import_module
from pathlib import Path

import pandas as pd

from dlstudy.core.artifacts import write_csv, write_json
from dlstudy.core.params import load_section
from dlstudy.training.params import SEEDS

TIMED = ("activation_cost",)  # what depends on wall-clock time stays apart from all that is reproducible

if __name__ == "__main__":
    name = sys.argv[1]
    folder = Path("timing" if name in TIMED else "results/experiments") / name
    experiment = import_module(f"dlstudy.experiments.{name}.run")
    params = load_section(getattr(experiment, "SECTION", f"experiments.{name}"), experiment.PARAMS)
    seeds = load_section("seeds", SEEDS)
    for output, content in experiment.run(experiment.load(), params, seeds).items():
        if isinstance(content, pd.DataFrame):
            write_csv(folder / f"{output}.csv", content)
        else:
            write_json(folder / f"{output}.json", content)
