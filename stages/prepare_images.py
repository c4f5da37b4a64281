"""Divide the images that params.yaml names into training, validation and test images; say what is in them."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_json
from dlstudy.core.base.dataset import save_dataset
from dlstudy.core.base.params import load_section
from dlstudy.data.image_sets import load_image_set
from dlstudy.data.images import facts, prepare
from dlstudy.data.params import ImagesParams

if __name__ == "__main__":
    params = load_section("prepare.images", ImagesParams)
    image_set, raw = load_image_set(params.dataset), Path("data/raw/images")
    dataset = prepare(raw, params, image_set)
    save_dataset(Path("data/prepared/images.pt"), dataset)
    write_json(Path("results/data/images/facts.json"), facts(raw, dataset, image_set))
