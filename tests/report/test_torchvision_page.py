"""The page of torchvision, with and without networks that are trained here."""

import pandas as pd
import pytest

from dlstudy.core.base.artifacts import write_csv, write_json
from dlstudy.figures import classifiers
from dlstudy.literature.published import load_published
from dlstudy.report.classifiers import family_rows, layers, page_of, torchvision_context
from dlstudy.report.markdown import environment
from dlstudy.report.pages import common
from dlstudy.study.results import Results
from dlstudy.vision.params import VisionParams
from tests.committed import committed_study
from tests.measures.support import ROOT

TABLES = ("per_seed", "per_class", "confusion", "mistakes")
SIDES = {"alexnet": 11, "vgg11": 3, "resnet18": 7}  # of the filters of the first convolution
BUDGET = {
    **{
        "method": "vision",
        "data": "images",
        "weights": None,
        "resolution": 64,
        "classifier_width": 256,
        "dropout": 0.5,
    },
    **{"num_images": 2000, "num_validation_images": 500, "num_epochs": 1, "looks": 4, "batch_size": 64, "lr": 0.1},
    **{"warmup": 0.1, "optimiser": "sgd", "momentum": 0.9, "weight_decay": 0.0, "augmentation": ("flip",)},
    "num_seeds": 1,
}


def network(builder, **changes):
    values = (
        BUDGET
        | {"builder": builder}
        | ({"classifier_width": None, "dropout": 0.0} if builder == "resnet18" else {})
        | changes
    )
    return VisionParams(**values)


def builders():
    rows = [("alexnet", "alexnet", 2012, 56.5), ("vgg11", "vgg", 2014, 69.0), ("vgg16", "vgg", 2014, 71.6)]
    table = pd.DataFrame(rows, columns=["builder", "family", "year", "acc_at_1"])
    return table.assign(
        **{"activation": "relu", "num_parameters": [61_100_840, 132_863_336, 138_357_544]},
        **{"num_operations": [714_188_480, 7_609_090_048, 15_470_264_320], "weights": "Some_Weights.IMAGENET1K_V1"},
        **{"acc_at_5": 80.0, "file_size": 233.087, "image_size": 224},
    )


def written(root, models):
    """Results of these networks below a folder, made of those of the perceptron; the study has no other models."""
    committed = Results(ROOT, committed_study())
    for name in models:
        for table in TABLES:
            write_csv(root / f"results/evaluation/{name}/{table}.csv", committed.table("mlp_relu", table))
        side = SIDES[models[name].builder]
        filters = pd.DataFrame({"filter": [0], "channels": 1, "side": side, "weights": side**2 * "0000803f"})  # ones
        write_csv(root / f"results/evaluation/{name}/filters.csv", filters)
        looks = [(0, epoch / 4, 2 - epoch / 4, 2 - epoch / 4, 0.2 * epoch, 0.1 + 0.2 * epoch) for epoch in range(5)]
        columns = ["seed", "epoch", "train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]
        write_csv(root / f"results/history/{name}.csv", pd.DataFrame(looks, columns=columns))
        write_json(root / f"metrics/{name}.json", {"test_accuracy": 0.9, "validation_accuracy": 0.91})
    write_csv(root / "results/experiments/census/builders.csv", builders())
    write_json(root / "results/experiments/torchvision_tour/facts.json", {"version": "0.1", "num_images": 100})
    write_json(root / "results/data/images/facts.json", committed.facts("images"))
    return Results(root, committed.study.model_copy(update={"train": {}, "vision": models}))


def page(results):
    published = load_published()
    shared = common(Results(ROOT, results.study), published)
    context = shared | torchvision_context(results, published) | {"sections": []}
    return environment().get_template("torchvision.md.j2").render(context)


def test_networks_stand_with_their_budget_beside_the_textbooks(tmp_path):
    text = page(written(tmp_path, {"alexnet": network("alexnet"), "resnet18": network("resnet18")}))
    assert "| `alexnet` | alexnet | scratch | 2,000 | 1 | 64 | sgd, 0.1 | 64 | flip |" in text
    assert (
        "| AlexNet | 0.902 | 5 epochs, Adam; one run | 0.9000 (`alexnet`) | 1 epoch, SGD, 2,000 of 50,000 images"
        in text
    )
    assert "| -0.20 |" in text
    assert "| VGG |" not in text  # no such network here
    assert "`resnet18` 0.9000 on the first 500, 0.9100 on all." in text
    assert "figures/resnet18_confusion.png" in text
    assert "No model of params.yaml starts from pretrained weights" in text


def test_the_page_names_the_networks_whose_filters_the_gallery_shows(tmp_path):
    results = written(tmp_path, {name: network(name) for name in SIDES})
    assert [*results.large_filters()] == ["alexnet", "resnet18"]
    assert "The filters of the first convolution of `alexnet`, `resnet18` (first seed;" in page(results)
    without = page(written(tmp_path, {"vgg11": network("vgg11")}))
    assert "filters" not in without
    assert "What has been learnt, as images" not in without  # there is no linear model either
    pretrained = network("resnet18", weights="ResNet18_Weights.IMAGENET1K_V1")
    assert "filters" not in page(written(tmp_path, {"tuned": pretrained}))  # they did not start as random numbers


def test_without_any_network_the_page_says_so_and_shows_no_figure_of_one(tmp_path):
    text = page(written(tmp_path, {}))
    assert "No network of torchvision is trained here" in text
    assert "figures/" not in text
    assert "galleries/data_set.png" in text


def test_transfer_stands_beside_the_same_network_from_scratch(tmp_path):
    weights = "ResNet18_Weights.IMAGENET1K_V1"
    models = {"resnet18": network("resnet18"), "tuned": network("resnet18", weights=weights)}
    text = page(written(tmp_path, models))
    assert f"| `tuned` | all layers trained on from {weights} | **0.9000** | 0.9000 (`resnet18`) |" in text


def test_a_family_is_told_by_its_range_and_its_best():
    rows = family_rows(builders())
    assert [row["family"] for row in rows] == ["alexnet", "vgg"]
    assert rows[1]["parameters"] == [132_863_336, 138_357_544]
    assert rows[1]["operations"] == pytest.approx([7.609, 15.470], abs=1e-3)
    assert rows[1]["best"]["builder"] == "vgg16"


def test_every_kind_of_classifier_has_its_page():
    models = committed_study().train
    assert page_of(models["softmax_regression"]) == "softmax_regression"
    assert page_of(models["mlp_relu"]) == "multilayer_perceptron"
    assert page_of(network("alexnet")) == "torchvision"
    assert layers(models["mlp_relu"], 10) == "784-256-10, relu"
    assert layers(network("alexnet"), 10) == "alexnet of torchvision, images of 64 pixels a side"


def test_curves_run_over_the_images_that_were_seen():
    history = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1],
            "epoch": [0, 0.5, 0, 0.5],
            "validation_accuracy": [0.1, 0.8, 0.1, 0.9],
            "validation_loss": 1.0,
        }
    )
    figure = classifiers.vision_curves({"net": classifiers.over_images(history, 3000)})
    thick = next(line for line in figure.axes[1].get_lines() if line.get_label() == "net")
    assert thick.get_xdata().tolist() == [0, 1500]
    assert thick.get_ydata().tolist() == pytest.approx([0.1, 0.85])


def test_there_are_figures_of_each_network_and_none_without(tmp_path):
    results = written(tmp_path, {"alexnet": network("alexnet")})
    assert [name for name, _ in classifiers.vision_figures(results)] == ["vision_curves", "alexnet_confusion"]
    assert list(classifiers.vision_figures(Results(tmp_path, results.study.model_copy(update={"vision": {}})))) == []
