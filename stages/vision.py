"""Train a network of torchvision, once with each of a few seeds, and score it: `python -m stages.vision resnet18`."""

import shutil
import sys
from pathlib import Path

from dlstudy.core.base.artifacts import write_csv, write_json
from dlstudy.core.base.dataset import load_dataset
from dlstudy.core.base.params import load_section
from dlstudy.core.networks import history_table, save_runs
from dlstudy.core.params import SEEDS
from dlstudy.evaluation.params import EvaluateParams
from dlstudy.evaluation.vision import evaluate_vision
from dlstudy.vision.loop import train_vision
from dlstudy.vision.params import VisionParams
from dlstudy.vision.pretrained import load_state

if __name__ == "__main__":
    name = sys.argv[1]
    params, seeds = load_section(f"vision.{name}", VisionParams), load_section("seeds", SEEDS)
    num_mistakes = load_section("evaluate", EvaluateParams).num_mistakes
    dataset = load_dataset(Path(f"data/prepared/{params.data}.pt"))
    start = load_state(Path(f"data/weights/{params.weights}.pth"), params.weights) if params.weights else None
    checkpoints = Path(f"tmp/checkpoints/{name}")
    runs = train_vision(dataset, params, seeds, label=name, folder=checkpoints, start=start)
    evaluation = evaluate_vision(dataset, params, runs, num_mistakes)
    if params.keep_weights:
        save_runs(Path(f"weights/{name}.pt"), runs)
    write_csv(Path(f"results/history/{name}.csv"), history_table(runs, dataset.task))
    write_json(Path(f"metrics/{name}.json"), evaluation.metrics)
    for table, content in evaluation.tables.items():
        write_csv(Path(f"results/evaluation/{name}/{table}.csv"), content)
    shutil.rmtree(checkpoints, ignore_errors=True)  # there are none here if a cluster's workers have another folder
