"""Score a trained model on the validation and test splits: `python -m stages.evaluate mlp_relu`."""

import sys
from pathlib import Path

from dlstudy.core.base.artifacts import write_csv, write_folder, write_json
from dlstudy.core.base.dataset import load_dataset
from dlstudy.core.base.params import load_section
from dlstudy.core.networks import load_runs
from dlstudy.evaluation.params import MODEL, EvaluateParams
from dlstudy.evaluation.scores import evaluate

if __name__ == "__main__":
    name = sys.argv[1]
    model, params = load_section(f"train.{name}", MODEL), load_section("evaluate", EvaluateParams)
    dataset = load_dataset(Path(f"data/prepared/{model.data}.pt"))
    evaluation = evaluate(dataset, model, load_runs(Path(f"models/{name}.pt")), params.num_mistakes)
    write_json(Path(f"metrics/{name}.json"), evaluation.metrics)
    write_csv(Path(f"data/predictions/{name}.csv"), evaluation.predictions)
    write_folder(Path(f"results/evaluation/{name}"), evaluation.tables)
