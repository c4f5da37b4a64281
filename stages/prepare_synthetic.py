"""Draw the linear problem with a known answer."""

from pathlib import Path

from dlstudy.artifacts import write_json
from dlstudy.data.dataset import save_dataset
from dlstudy.data.synthetic import facts, prepare
from dlstudy.params.base import load_section
from dlstudy.params.data import SyntheticParams

if __name__ == "__main__":
    dataset = prepare(load_section("prepare.synthetic", SyntheticParams))
    save_dataset(Path("data/prepared/synthetic.pt"), dataset)
    write_json(Path("results/data/synthetic/facts.json"), facts(dataset))
