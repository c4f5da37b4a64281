"""Divide Fashion-MNIST into training, validation and test images; say what is in it."""

from pathlib import Path

from dlstudy.artifacts import write_json
from dlstudy.data.dataset import save_dataset
from dlstudy.data.fashion_mnist import facts, prepare
from dlstudy.params.base import load_section
from dlstudy.params.data import FashionMnistParams

if __name__ == "__main__":
    params = load_section("prepare.fashion_mnist", FashionMnistParams)
    raw = Path("data/raw/fashion_mnist")
    dataset = prepare(raw, params)
    save_dataset(Path("data/prepared/fashion_mnist.pt"), dataset)
    write_json(Path("results/data/fashion_mnist/facts.json"), facts(raw, dataset))
