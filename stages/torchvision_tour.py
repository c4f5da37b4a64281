"""Visit the parts of torchvision and try properties of them on real images: `python -m stages.torchvision_tour`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.torchvision_tour import facts, tour
from dlstudy.params.base import load_section
from dlstudy.params.tour import TourParams

FOLDER = Path("results/experiments/torchvision_tour")

if __name__ == "__main__":
    params = load_section("experiments.torchvision_tour", TourParams)
    dataset = load_dataset(Path("data/prepared/images.pt"))
    for name, table in tour(dataset.test, Path("data/raw/images"), params).items():
        write_csv(FOLDER / f"{name}.csv", table)
    write_json(FOLDER / "facts.json", facts(dataset.test, params))
