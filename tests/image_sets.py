"""The sets of images that come with the checkout, by their names in params.yaml."""

from pathlib import Path

from dlstudy.data.image_sets import image_set_names, load_image_set

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
IMAGE_SETS = {name: load_image_set(name, DATASETS) for name in image_set_names(DATASETS)}
