"""The whole pipeline on the real data with miniature settings, in a temporary copy: `make smoke`, three minutes."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from dlstudy.data.image_folders import num_train_images
from dlstudy.data.image_sets import DATASETS, FolderSet, load_image_set
from tools.checkout import RAW_IMAGES, ROOT, copy_checkout, dvc, images_from, read_params, write_params

MOST: Final[dict[str, int]] = {"hidden": 32, "num_epochs": 2, "batch_size": 64}
CLIMB: Final = {"budgets": [0.5, 1.0], "tuning_seeds": [100], "seeds": [30, 31], "stack_size": 2}
EXPERIMENTS: Final[dict[str, dict[str, Any]]] = {  # what takes time in each, made small
    "linear_theory": {"num_descent_steps": 200},
    "linearity": {"num_repeats": 2},
    "sgd_theory": {"num_epochs": 20, "num_floor_chains": 4, "num_floor_steps": 50},
    "signal_propagation": {"width": 32, "num_images": 64, "training_steps": [0, 5], "num_training_seeds": 2},
    "census": {"families": ["alexnet", "vgg", "resnet", "mobilenet_v3"]},
    "torchvision_tour": {"num_images": 40, "num_single_images": 8},
    "activation_cost": {
        "sides": [8, 16, 32],
        "largest_in_cache": 16,
        "smallest_in_memory": 32,
        "num_values": 1000,
        "num_rounds": 8,
        "networks": [[8], [8, 8, 8, 8]],
        "num_images": 128,
        "batch_size": 64,
        "num_epoch_rounds": 8,
    },
    "activation_outputs": {
        **{"width": 8, "deep_depth": 4},
        **{"learning_rates": [0.1, 0.316, 1.0], "adam_learning_rates": [0.00316, 0.01, 0.0316]},
        **CLIMB,
        "price": {"hidden": [4], "batch_size": 64, "num_epochs": 2, "learning_rates": [0.0316, 0.1, 0.316]}
        | {"tuning_seeds": [100]},
    },
    "mlp_rates": {"tuning_seeds": [300, 301]},
    "published_networks": {
        "table": {"networks": [{"hidden": [100], "num_epochs": 2}], "num_seeds": 2},
        "tutorial": {"hidden": [16, 12, 8], "max_epochs": 2, "patience": 1, "num_images": 64},
    },
    "losses": {"hidden": [16], "again_tuning_seeds": [200], "learning_rates": [0.01, 0.0316, 0.1], **CLIMB},
}
LADDER: Final[dict[str, Any]] = {
    **{"depths": [1, 4, 8], "budgets": [0.5, 1.0], "short_depths": [8], "width": 8, "batch_size": 64},
    **{"learning_rates": [0.0316, 0.1, 0.316], "tuning_seeds": [100], "seeds": [20, 21], "stack_size": 2},
}
ARMS: Final[dict[str, dict[str, Any]]] = {  # of those that are there; two activations of each, if it has as many
    "again": {"tuning_seeds": [200]},
    "linear": {},
    "momentum": {"depths": [1], "budgets": [0.5], "learning_rates": [0.01, 0.0316, 0.1]},
}
CLIMBERS: Final = ["identity", "sigmoid", "tanh", "relu"]


def miniature(params: dict[str, Any], *, train_size: int = 2000, validation_size: int = 1000) -> dict[str, Any]:
    """The same study with few images, two seeds, and small models trained for a moment."""
    images = params["prepare"]["images"] | {"train_size": train_size, "validation_size": validation_size}
    models = {name: _small(model) for name, model in params["train"].items()}
    prepare = params["prepare"] | {"images": images}
    features = {name: _few_images(section, train_size) for name, section in params["features"].items()}
    experiments = {name: _merged(section, EXPERIMENTS.get(name, {})) for name, section in params["experiments"].items()}
    return params | {
        "prepare": prepare,
        "features": features,
        "seeds": params["seeds"][:2],
        "train": models,
        "vision": {name: model | VISION for name, model in params["vision"].items()},
        "experiments": experiments,
        "ladder": _small_ladder(params["ladder"]),
    }


def _small_ladder(ladder: dict[str, Any]) -> dict[str, Any]:
    arms = {
        name: ladder["arms"][name] | changes | {"activations": ladder["arms"][name]["activations"][:2]}
        for name, changes in ARMS.items()
        if name in ladder["arms"]
    }
    changes = {"activations": CLIMBERS, "protocol": ladder["protocol"] | LADDER, "arms": arms}
    return ladder | changes | {"thresholds": {"trainable": 0.01}}  # trained for a moment, whatever it reaches


def _merged(section: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The section with the changes, which may go into its own sections."""
    return section | {
        key: _merged(section[key], value) if isinstance(value, dict) else value for key, value in changes.items()
    }


VISION: Final[dict[str, int]] = {
    "num_images": 64,
    "num_validation_images": 40,
    "num_epochs": 1,
    "looks": 1,
    "batch_size": 16,
}


def _few_images(features: dict[str, Any], most: int) -> dict[str, Any]:
    return features | {"num_images": min(features.get("num_images", most), most)}


def _small(model: dict[str, Any]) -> dict[str, Any]:
    limited: dict[str, Any] = {key: min(model[key], MOST[key]) for key in ("num_epochs", "batch_size") if key in model}
    if "hidden" in model:
        limited["hidden"] = [min(width, MOST["hidden"]) for width in model["hidden"]]
    return model | limited


def sizes(num_images: int) -> dict[str, int]:
    """Of training and validation split: small ones, or two thirds and one third of the images where they are few."""
    train_size = min(2000, 2 * num_images // 3)
    return {"train_size": train_size, "validation_size": min(1000, num_images - train_size)}


def with_images(params: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The miniature study on the set of images of this name, or on the one that params.yaml names."""
    image_set = load_image_set(name or params["prepare"]["images"]["dataset"], ROOT / DATASETS)
    if isinstance(image_set, FolderSet):
        num_images = num_train_images(image_set, image_set.folder(ROOT / DATASETS))
    else:
        num_images = image_set.num_train
    small = miniature(params, **sizes(num_images))
    small["prepare"]["images"]["dataset"] = image_set.dataset
    return small


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="run in this new folder and leave it there")
    parser.add_argument("--images", metavar="NAME", help="a set of images in datasets/, one's own too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dlstudy-smoke-") as temporary:
        checkout = arguments.keep or Path(temporary)
        params = with_images(read_params(ROOT), arguments.images)
        copy_checkout(checkout)
        write_params(checkout, params)
        environment = {} if arguments.images else images_from(ROOT / RAW_IMAGES, read_params(ROOT))
        status = dvc(checkout, "repro", environment=environment) or dvc(checkout, "metrics", "show")
    print("The whole pipeline runs." if status == 0 else "The pipeline failed; see above.", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
