"""What softmax is, on the logits of a trained softmax regression: `python -m stages.softmax_identities`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.evaluation import network_outputs
from dlstudy.experiments.softmax_identities import identities
from dlstudy.params.base import load_section
from dlstudy.params.train import SgdParams
from dlstudy.runs import load_runs

if __name__ == "__main__":
    name = "softmax_regression"
    model = load_section(f"train.{name}", SgdParams)
    dataset = load_dataset(Path(f"data/prepared/{model.data}.pt"))
    runs = load_runs(Path(f"models/{name}.pt"))
    logits = network_outputs(dataset, dataset.validation, runs, hidden=model.hidden, activation=model.activation)
    found = identities(logits)
    folder = Path("results/experiments/softmax_identities")
    for table, content in found.tables.items():
        write_csv(folder / f"{table}.csv", content)
    write_json(folder / "facts.json", found.facts)
