"""Train a model by minibatch SGD, once with each seed: `python -m stages.train_sgd mlp_relu`."""

import sys
from pathlib import Path

from dlstudy.core.base.artifacts import write_csv
from dlstudy.core.base.dataset import load_dataset
from dlstudy.core.base.params import load_section
from dlstudy.core.networks import history_table, save_runs
from dlstudy.core.params import SEEDS, SgdParams
from dlstudy.sgd.loop import train_seeds

if __name__ == "__main__":
    name = sys.argv[1]
    params, seeds = load_section(f"train.{name}", SgdParams), load_section("seeds", SEEDS)
    dataset = load_dataset(Path(f"data/prepared/{params.data}.pt"))
    runs = train_seeds(dataset, params, seeds, label=name)
    save_runs(Path(f"models/{name}.pt"), runs)
    write_csv(Path(f"results/history/{name}.csv"), history_table(runs, dataset.task))
