"""Train a network of torchvision, once with each of a few seeds: `python -m stages.train_vision resnet18`."""

import shutil
import sys
from pathlib import Path

from dlstudy.core.artifacts import write_csv
from dlstudy.core.dataset import load_dataset
from dlstudy.core.params import load_section
from dlstudy.training.params import SEEDS
from dlstudy.training.runs import history_table, save_runs
from dlstudy.vision.loop import train_vision
from dlstudy.vision.params import VisionParams
from dlstudy.vision.pretrained import load_state

if __name__ == "__main__":
    name = sys.argv[1]
    params, seeds = load_section(f"train.{name}", VisionParams), load_section("seeds", SEEDS)
    dataset = load_dataset(Path(f"data/prepared/{params.data}.pt"))
    start = load_state(Path(f"data/weights/{params.weights}.pth"), params.weights) if params.weights else None
    checkpoints = Path(f"tmp/checkpoints/{name}")
    runs = train_vision(dataset, params, seeds, label=name, folder=checkpoints, start=start)
    save_runs(Path(f"models/{name}.pt"), runs)
    write_csv(Path(f"results/history/{name}.csv"), history_table(runs, dataset.task))
    shutil.rmtree(checkpoints, ignore_errors=True)  # there are none here if a cluster's workers have another folder
