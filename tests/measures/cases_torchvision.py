"""Results for and against the claims about torchvision."""

from dataclasses import replace

import numpy as np
import pandas as pd

from dlstudy.vision.params import VisionParams
from tests.measures.support import Case, Tables

NETWORKS = ("alexnet", "vgg11", "resnet18")
TABLES = Tables()


# --- Parts and properties ---


def parts(sizes):
    rows = [(name, 2, size, size) for name, size in sizes.items()]
    return pd.DataFrame(rows, columns=["part", "num_modules", "num_classes", "num_functions"])


def properties(*, equal=100, deviation=0.0, without=()):
    """A property of each group, on 100 images, of which `equal` come out as they have to."""
    rows = [
        *[("moves", "a turn", "transforms", "uint8"), ("moves", "a turn", "transforms", "float32")],
        *[("neutral", "gamma 1", "transforms", "uint8"), ("scaled", "ToTensor", "transforms", "uint8")],
        *[("numbers", "there and back", "transforms", "float32"), ("random", "a crop", "transforms", "uint8")],
        *[("grid", "a cell", "utils", "uint8"), ("undone", "brighter, darker", "transforms", "uint8")],
        *[("files", "images", "datasets", "uint8"), ("weights", "outputs", "models", "float32")],
    ]
    table = pd.DataFrame(rows, columns=["group", "property", "part", "format"])
    table = table.assign(num_cases=100, num_equal=equal, deviation=deviation)
    return table[~table["part"].isin(without)]


WEIGHTS = pd.DataFrame(
    [(name, f"{name}-01234567.pth", "sha256:01234567", 44.7, 69.8) for name in ("alexnet", "vgg16", "resnet18")],
    columns=["builder", "file", "hash", "file_size", "acc_at_1"],
)


def tour(sizes=None, weights=WEIGHTS, **changes):
    found = parts(sizes or {"datasets": 50, "models": 150, "transforms": 150, "utils": 3, "io": 8})
    tables = {"parts": found, "properties": properties(**changes), "weights": weights}
    experiments = {("torchvision_tour", name): table for name, table in tables.items()}
    return Tables(experiments=experiments, facts_of={"torchvision_tour": {"version": "0", "num_images": 100}})


SMALL = tour({"datasets": 5, "models": 5, "transforms": 5, "utils": 5, "io": 80})
HALF = tour(equal=99)


# --- Models ---


def census(*, parameters=1000, operations=1_814_400_000):
    rows = pd.DataFrame({"builder": ["alexnet", "vgg16", "resnet18", "swin_t"], "weights": "V1", "acc_at_1": 70.0})
    rows = rows.assign(num_parameters=[1000, 1000, 1000, parameters], published_num_parameters=1000)
    rows = rows.assign(num_operations=[1_814_000_000] * 3 + [operations], published_operations=1.814)
    return Tables(experiments={("census", "builders"): rows})


def vision(builder, num_images=50_000):
    """Made without being checked: what is tested here is how results are read."""
    return VisionParams.model_construct(
        method="vision", data="images", builder=builder, weights=None, num_images=num_images, num_epochs=1
    )


def right(accuracy, num_seeds):
    """What a model is right about, of 1,000 images: mostly the easy ones, which are easy for every model."""
    noise = np.random.default_rng(num_seeds).normal(0, 0.1, size=(num_seeds, 1000))
    ranks = (np.linspace(0, 1, 1000) + noise).argsort(axis=1).argsort(axis=1)
    return ranks < round(1000 * accuracy)


def correctness(accuracy, num_seeds):
    """The table of `evaluation.scores.correctness`."""
    digits = [f"0x{bits.tobytes().hex()}" for bits in np.packbits(right(accuracy, num_seeds), axis=1)]
    return pd.DataFrame({"seed": range(num_seeds), "num": 1000, "correct": digits})


def trained(*accuracies, other=0.84, networks=NETWORKS):
    """Results of networks of torchvision on 1,000 test images, two seeds each, beside other models' ten."""
    models = {(name, "correct"): correctness(value, 2) for name, value in zip(networks, accuracies, strict=True)}
    models |= {(name, "correct"): correctness(other, 10) for name in ("softmax_regression", "mlp_relu")}
    own = {"train": dict(TABLES.study.train), "vision": {name: vision(name) for name in networks}}  # tests change them
    study = TABLES.study.model_copy(update=own)
    results = Tables(models=models, data_facts={"images": {"num_examples": {"train": 50_000}}})
    return replace(results, study=study)


def stopped_early():
    """Networks far ahead, one of which saw half of the training images."""
    results = trained(0.95, 0.95, 0.95)
    results.study.vision["vgg11"] = vision("vgg11", num_images=25_000)
    return results


# A standard error of about a point: 5 points are more than chance, 0 are not, and -5 fewer.
CASES = {
    "TV-1/parts": Case(tour(), tour(without=("utils",))),
    "TV-1/mainly": Case(tour(), SMALL),
    "TV-2/parameters": Case(census(), census(parameters=1001)),
    "TV-2/operations": Case(census(), census(operations=1_814_600_000)),
    "TV-2/trained": Case(trained(0.89, 0.90, 0.91), trained(0.89, 0.79, 0.91)),
    "TV-2/beats_mlp": Case(trained(0.5, 0.5, 0.89), trained(0.9, 0.9, 0.84), "inconclusive"),
    "TV-2/pretrained": Case(tour(), tour(weights=WEIGHTS[WEIGHTS["builder"] != "vgg16"])),
    "TV-3/moves": Case(tour(), HALF),
    "TV-3/neutral": Case(tour(), HALF),
    "TV-3/scaled": Case(tour(), HALF),
    "TV-3/numbers": Case(tour(deviation=1e-5), tour(deviation=1e-3)),
    "TV-3/random": Case(tour(), HALF),
    "TV-3/grid": Case(tour(), HALF),
    "TV-3/undone": Case(tour(), HALF),
}
