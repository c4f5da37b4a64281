"""Draw the linear problem with a known answer."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_json
from dlstudy.core.base.dataset import save_dataset
from dlstudy.core.base.params import load_section
from dlstudy.data.params import SyntheticParams
from dlstudy.data.synthetic import facts, prepare

if __name__ == "__main__":
    dataset = prepare(load_section("prepare.synthetic", SyntheticParams))
    save_dataset(Path("data/prepared/synthetic.pt"), dataset)
    write_json(Path("results/data/synthetic/facts.json"), facts(dataset))
