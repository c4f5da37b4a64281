"""Compare activations of outputs and layers, and rescues of deep sigmoid: `python -m stages.activation_outputs`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.activation_outputs import compare, facts_of
from dlstudy.experiments.activation_outputs_price import compare_prices, price_facts
from dlstudy.params.base import load_section
from dlstudy.params.outputs import OutputsParams
from dlstudy.params.train import SEEDS

FOLDER = Path("results/experiments/activation_outputs")

if __name__ == "__main__":
    params, seeds = load_section("experiments.activation_outputs", OutputsParams), load_section("seeds", SEEDS)
    images, houses = (load_dataset(Path(f"data/prepared/{name}.pt")) for name in ("images", "housing"))
    tables = compare(images, params, seeds) | compare_prices(houses, params.price, seeds)
    for name, table in tables.items():
        write_csv(FOLDER / f"{name}.csv", table)
    facts = facts_of(images, params, seeds) | {"price": price_facts(houses, params.price)}
    write_json(FOLDER / "facts.json", facts)
