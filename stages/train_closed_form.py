"""Fit a linear model by least squares: `python -m stages.train_closed_form linear_closed_form`."""

import sys
from pathlib import Path

from dlstudy.closed_form.least_squares import fit
from dlstudy.core.base.artifacts import write_csv
from dlstudy.core.base.dataset import load_dataset
from dlstudy.core.base.params import load_section
from dlstudy.core.networks import history_table, save_runs
from dlstudy.core.params import ClosedFormParams

if __name__ == "__main__":
    name = sys.argv[1]
    params = load_section(f"train.{name}", ClosedFormParams)
    dataset = load_dataset(Path(f"data/prepared/{params.data}.pt"))
    run = fit(dataset)
    save_runs(Path(f"models/{name}.pt"), [run])
    write_csv(Path(f"results/history/{name}.csv"), history_table([run], dataset.task))
