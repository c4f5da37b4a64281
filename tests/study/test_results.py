import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dlstudy.core.base.params import read_yaml, validated
from dlstudy.study.params import StudyParams
from dlstudy.study.results import MissingResultError, Results

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"
SGD = {"method": "sgd", "hidden": [], "init": "zeros", "lr": 0.1, "batch_size": 10, "num_epochs": 2}
MLP = SGD | {"hidden": [8], "activation": "relu"}
MODELS = {
    "wide": MLP | {"data": "images"},
    "descent": SGD | {"data": "housing"},
    "softmax": SGD | {"data": "images"},
    "curved": MLP | {"data": "housing"},
    "exact": {"method": "closed_form", "data": "housing"},
    "exact_too": {"method": "closed_form", "data": "housing"},
    "toy": SGD | {"data": "synthetic"},
    "transfer": SGD | {"data": "frozen"},
}
FEATURES = {"frozen": {"weights": "ResNet18_Weights.IMAGENET1K_V1"}}


def results(root: Path, models: dict = MODELS) -> Results:
    return Results(root, validated(read_yaml(COMMITTED) | {"train": models, "features": FEATURES}, StudyParams))


@pytest.fixture
def empty(tmp_path) -> Results:
    return results(tmp_path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


# --- Which models there are ---


def test_classifiers_are_the_models_of_images_in_the_order_of_the_parameters(empty):
    assert list(empty.classifiers()) == ["wide", "softmax"]
    assert list(empty.classifiers(hidden=True)) == ["wide"]
    assert list(empty.classifiers(hidden=False)) == ["softmax"]


def test_transfers_are_the_models_of_features(empty):
    assert list(empty.transfers()) == ["transfer"]


def test_regressors_are_the_models_of_a_table(empty):
    assert list(empty.regressors("housing")) == ["descent", "curved", "exact", "exact_too"]
    assert list(empty.regressors("synthetic")) == ["toy"]


def test_a_problem_may_have_a_solution_in_closed_form(empty):
    assert empty.closed_form("housing") == "exact"
    assert empty.closed_form("synthetic") is None


def test_descents_to_least_squares_have_no_hidden_layers(empty):
    assert empty.linear_descents("housing") == ["descent"]


# --- Reading ---


def test_results_are_read_from_below_the_root(empty):
    write(empty.root / "metrics/wide.json", json.dumps({"test_accuracy": 0.9}))
    write(empty.root / "results/history/wide.csv", "seed,epoch\n0,1\n")
    write(empty.root / "results/evaluation/wide/per_class.csv", "class,f1\nBag,0.5\n")
    write(empty.root / "results/data/housing/facts.json", json.dumps({"num_sales": 3}))
    write(empty.root / "results/data/housing/sales.csv", "price,area,age\n1.5,2.0,-1.0\n")
    assert empty.metrics("wide") == {"test_accuracy": 0.9}
    assert empty.history("wide").to_dict("list") == {"seed": [0], "epoch": [1]}
    assert empty.table("wide", "per_class").to_dict("list") == {"class": ["Bag"], "f1": [0.5]}
    assert empty.facts("housing") == {"num_sales": 3}
    assert empty.sales().to_dict("list") == {"price": [1.5], "area": [2.0], "age": [-1.0]}


def test_histories_of_the_classifiers_stand_in_one_table_and_leftovers_do_not(empty):
    for name in ("wide", "softmax", "removed_from_params"):
        write(empty.root / f"results/history/{name}.csv", "epoch,validation_accuracy\n0,0.1\n1,0.8\n")
    table = empty.classifier_histories()
    assert table["model"].tolist() == ["wide", "wide", "softmax", "softmax"]
    assert table["validation_accuracy"].tolist() == [0.1, 0.8, 0.1, 0.8]


def test_without_classifiers_their_histories_are_an_empty_table(tmp_path):
    table = results(tmp_path, {"exact": MODELS["exact"]}).classifier_histories()
    assert isinstance(table, pd.DataFrame)
    assert table.empty
    assert {"epoch", "validation_accuracy", "model"} <= set(table)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda results: results.metrics("wide"), "metrics/wide.json: expected the result of stage evaluate@wide"),
        (lambda results: results.history("toy"), "results/history/toy.csv: expected the result of stage train@toy"),
        (lambda results: results.table("exact", "coefficients"), "stage evaluate@exact"),
        (lambda results: results.facts("synthetic"), "stage prepare@synthetic"),
        (lambda results: results.sales(), "stage prepare@housing"),
    ],
)
def test_a_missing_result_is_named_with_its_stage(empty, ask, told):
    with pytest.raises(MissingResultError) as caught:
        ask(empty)
    assert told in str(caught.value)
    assert str(caught.value).endswith("found no file; run `dvc repro`")


def test_what_was_made_once_is_kept_unless_it_failed(empty):
    def failing():
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        empty.once("key", failing)
    assert empty.once("key", lambda: [1]) is empty.once("key", lambda: [2])
    assert replace(empty).once("key", lambda: [3]) == [3]
