"""Everything that can be wrong with params.yaml, and what is said about it."""

import copy
import json
import math
import re
from pathlib import Path

import pytest

from dlstudy.core.base.params import ParamsError, load_section, read_yaml
from dlstudy.data.params import HousingParams
from dlstudy.evaluation.params import MODEL
from dlstudy.study.params import load_study

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"
DATASETS = COMMITTED.with_name("datasets")
PARAMS = read_yaml(COMMITTED)
ABSENT = object()
WEIGHTS = "ResNet18_Weights.IMAGENET1K_V1"
MODELS = {
    "exact": {"method": "closed_form", "data": "housing"},
    "softmax": {
        "method": "sgd",
        "data": "images",
        "hidden": [],
        "init": "zeros",
        "lr": 0.1,
        "batch_size": 256,
        "num_epochs": 5,
    },
    "mlp": {
        "method": "sgd",
        "data": "images",
        "hidden": [256],
        "activation": "relu",
        "init": "he",
        "lr": 0.1,
        "batch_size": 256,
        "num_epochs": 5,
    },
}


@pytest.fixture
def study() -> dict:
    """The committed parameters, with models of our own beside the committed ones."""
    content = copy.deepcopy(PARAMS)
    content["train"] |= {name: dict(model) for name, model in MODELS.items()}
    content["prepare"]["images"] |= {"train_size": 50_000, "validation_size": 10_000}
    content["prepare"]["housing"] |= {"validation_fraction": 0.2, "test_fraction": 0.2}
    content["download"]["weights"] = [WEIGHTS]
    content["features"] = {"frozen": {"weights": WEIGHTS, "num_images": 3000}}
    content["train"]["transfer"] = MODELS["softmax"] | {"data": "frozen"}
    return content


def change(content: dict, key: str, value: object) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        content = content[parent]
    if value is ABSENT:
        del content[last]
    else:
        content[last] = value


NO_JSON = {"NaN": ".nan", "Infinity": ".inf", "-Infinity": "-.inf"}


def problems(folder, content: dict) -> list[str]:
    """What is said about a file with that content: a line a problem, the number of problems checked."""
    path = folder / "params.yaml"
    # JSON is YAML, and written sooner; but for numbers that JSON does not know
    path.write_text(re.sub(r"-?(NaN|Infinity)", lambda number: NO_JSON[number[0]], json.dumps(content)))
    with pytest.raises(ParamsError) as caught:
        load_study(path, datasets=DATASETS)
    first, *lines = str(caught.value).split("\n  ")
    assert first == f"{path}: {len(lines)} problem{'s' * (len(lines) > 1)}"
    return lines


FAULTS = [  # key, value; what was expected, what was found
    # unknown and missing keys
    ("train.mlp.momentum", 0.9, "no such key", "0.9"),
    ("train.mlp.num_epoch", 3, "no such key (did you mean num_epochs?)", "3"),
    ("trian", {}, "no such key (did you mean train?)", "{}"),
    ("train.mlp.device", "cuda", "no such key (the study computes on the CPU", "'cuda'"),
    ("train.exact.lr", 0.1, "no such key, found", "0.1"),  # what other models have is no suggestion
    ("evaluate", ABSENT, "a value", "none"),
    ("train.mlp.lr", ABSENT, "a value", "none"),
    ("train.mlp.method", ABSENT, "a value", "none"),
    ("prepare.housing.seed", ABSENT, "a value", "none"),
    # wrong types: nothing is converted
    ("train.mlp.lr", "0.1", "number", "'0.1'"),
    ("train.mlp.lr", True, "number", "True"),
    ("train.mlp.batch_size", 2.0, "integer", "2.0"),
    ("train.mlp.batch_size", False, "integer", "False"),
    ("train.mlp.hidden", 256, "a list", "256"),
    ("seeds", 3, "a list", "3"),
    ("seeds.1", "1", "integer", "'1'"),
    ("train.mlp.hidden.0", "256", "integer", "'256'"),
    ("train", None, "a mapping", "None"),
    ("train", {}, "at least 1 entry", "{}"),
    ("train.mlp", [1], "a mapping", "[1]"),
    ("prepare", "all", "a mapping", "'all'"),
    # impossible numbers
    ("train.mlp.lr", -0.1, "greater than 0", "-0.1"),
    ("train.mlp.lr", 0.0, "greater than 0", "0.0"),
    ("train.mlp.lr", math.nan, "a finite number", "nan"),
    ("train.mlp.lr", math.inf, "a finite number", "inf"),
    ("prepare.synthetic.bias", -math.inf, "a finite number", "-inf"),
    ("prepare.synthetic.noise_std", -1.0, "greater than or equal to 0", "-1.0"),
    ("prepare.synthetic.weights", [], "at least 1", "[]"),
    ("train.mlp.num_epochs", 0, "greater than 0", "0"),
    ("train.mlp.hidden.0", 0, "greater than 0", "0"),
    ("download.attempts", 0, "greater than 0", "0"),
    ("download.timeout_seconds", 0, "greater than 0", "0"),
    ("evaluate.num_mistakes", -1, "greater than 0", "-1"),
    ("seeds", [], "at least 1 entry", "[]"),
    ("seeds", [1, 2, 1], "each seed once", "[1, 2, 1]"),
    ("seeds.0", -1, "greater than or equal to 0", "-1"),
    # what does not fit together
    ("prepare.housing.test_fraction", 1.2, "less than 1", "1.2"),
    ("prepare.housing.validation_fraction", 0.0, "greater than 0", "0.0"),
    ("prepare.housing.validation_fraction", 0.0001, "two sales of 2930", "0.0001"),  # rounds to none
    ("prepare.housing.test_fraction", 0.0001, "two sales of 2930", "0.0001"),
    ("prepare.housing.test_fraction", 0.7999, "leave sales for training", "0.9999 taken"),
    ("prepare.housing.test_fraction", 0.8, "validation_fraction + test_fraction < 1", "1"),
    ("prepare.images.dataset", "CIFAR10", "FashionMNIST or KMNIST or MNIST", "'CIFAR10'"),
    ("prepare.images.dataset", "Fashion-MNIST", "FashionMNIST or KMNIST or MNIST", "'Fashion-MNIST'"),
    ("prepare.images.dataset", ABSENT, "a value", "none"),
    ("prepare.images.validation_size", 10_001, "train_size + validation_size <= 60000", "60001"),
    ("train.mlp.batch_size", 50_001, "at most 50000, the training split of images", "50001"),
    *[
        (name, 50_001, "at most 50000, the training split of images", "50001")
        for name in (
            "experiments.losses.batch_size",
            "experiments.signal_propagation.num_images",
            "experiments.signal_propagation.training_batch_size",
            "experiments.activation_cost.num_images",
            "experiments.activation_outputs.batch_size",
            "experiments.published_networks.table.batch_size",
            "experiments.published_networks.tutorial.num_images",
            "ladder.protocol.batch_size",
        )
    ],
    ("experiments.sgd_theory.batch_sizes", [1, 1758], "less than 1758, the training split of housing", "1758"),
    ("experiments.sgd_theory.floor_batch_sizes", [8, 1758], "less than 1758, the training split of housing", "1758"),
    ("experiments.linearity.num_folds", 101, "less than or equal to 100", "101"),
    ("train.mlp.activation", ABSENT, "an activation for the hidden layers", "none"),
    ("train.softmax.activation", "relu", "none without hidden layers", "'relu'"),
    ("train.transfer.batch_size", 3001, "at most 3000, the training split of frozen", "3001"),
    ("features.frozen.num_images", 50_001, "at most 50000, the training split of images", "50001"),
    ("features.frozen.num_images", 1, "greater than or equal to 2", "1"),
    ("features.frozen.resolution", 0, "greater than 0", "0"),
    ("features.images", {"weights": WEIGHTS}, "a name that no data set has", "'images'"),
    ("features.Frozen", {"weights": WEIGHTS}, "a name that matches", "'Frozen'"),
    ("features.frozen.weights", ABSENT, "a value", "none"),
    ("features.frozen.weights", "A_Weights.V1", f"a name in download.weights, ['{WEIGHTS}']", "'A_Weights.V1'"),
    ("download.weights", ABSENT, "a value", "none"),
    ("download.weights", [WEIGHTS, WEIGHTS], "each name once", f"['{WEIGHTS}', '{WEIGHTS}']"),
    # unknown names
    ("train.mlp.activation", "swish", "one of identity, relu, sigmoid", "'swish'"),
    ("train.mlp.init", "kaiming", "'he'", "'kaiming'"),
    ("train.mlp.data", "mnist", "one of images, housing, synthetic, frozen", "'mnist'"),
    ("train.exact.data", "images", "'housing' or 'synthetic'", "'images'"),
    ("train.mlp.method", "adam", "'closed_form', 'sgd'", "'adam'"),
    ("train.Bad-name", MODELS["exact"], "a name that matches", "'Bad-name'"),
]


@pytest.mark.parametrize(("key", "value", "expected", "found"), FAULTS)
def test_a_fault_is_told_with_its_key_what_was_expected_and_what_was_found(
    study, tmp_path, key, value, expected, found
):
    if key.rpartition(".")[2].isdigit():  # an element of a list
        parent, _, index = key.rpartition(".")
        change(study, parent, [value if place == int(index) else 7 for place in range(3)])
    else:
        change(study, key, value)
    (line,) = problems(tmp_path, study)
    assert line.startswith(f"{key}: expected ")
    assert expected in line.removeprefix(f"{key}: ")
    assert line.endswith(f", found {found}")


def test_all_faults_of_a_file_are_told_at_once(study, tmp_path):
    faults = {
        "train.mlp.lr": -1.0,
        "train.mlp.batch_size": 0,
        "train.softmax.init": "ones",
        "prepare.housing.test_fraction": 3.0,
        "seeds": [],
        "evaluate": ABSENT,
        "extra": 1,
    }
    for key, value in faults.items():
        change(study, key, value)
    assert {line.partition(":")[0] for line in problems(tmp_path, study)} == set(faults)


def test_a_batch_is_judged_by_the_size_its_data_set_really_has(study, tmp_path):
    change(study, "train.exact", MODELS["softmax"] | {"data": "housing", "batch_size": 1759})
    (line,) = problems(tmp_path, study)  # 2,930 sales less two fifths
    assert line == "train.exact.batch_size: expected at most 1758, the training split of housing, found 1759"


def test_a_fault_in_the_data_is_no_fault_of_the_models_on_them(study, tmp_path):
    change(study, "prepare.images.train_size", "many")
    (line,) = problems(tmp_path, study)
    assert line.startswith("prepare.images.train_size: ")


def test_an_unknown_network_is_one_fault(tmp_path):
    study = copy.deepcopy(PARAMS)
    study["vision"]["resnet18"]["builder"] = "resnet20"
    (line,) = problems(tmp_path, study)
    assert line.startswith("vision.resnet18.builder: expected a name that matches")


def test_weights_are_named_as_torchvision_does(study, tmp_path):
    change(study, "download.weights", [WEIGHTS, "resnet18"])
    (line,) = problems(tmp_path, study)
    assert line.startswith("download.weights.1: expected a name that matches")
    assert line.endswith(", found 'resnet18'")


def test_features_need_their_weights_in_the_download(study, tmp_path):
    change(study, "download.weights", [])
    (line,) = problems(tmp_path, study)
    assert line == f"features.frozen.weights: expected a name in download.weights, [], found '{WEIGHTS}'"


def test_features_of_one_name_are_no_features_of_another(study, tmp_path):
    change(study, "features", {"other": study["features"]["frozen"]})
    (line,) = problems(tmp_path, study)
    assert line == "train.transfer.data: expected one of images, housing, synthetic, other, found 'frozen'"


# --- Files that are no parameters at all ---


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "expected a mapping of sections, found None"),
        (b"- 1\n- 2\n", "expected a mapping of sections, found [1, 2]"),
        (b"just words", "expected a mapping of sections, found 'just words'"),
        (b"seeds: [1\n", "expected YAML 1.2, found: "),
        (b"seeds: [1]\nseeds: [2]\n", 'duplicate key "seeds"'),
        (b"seeds: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        (b"seed: 2026-13-45\n", "month must be in 1..12"),
        (b"seeds: [\xff]\n", "expected YAML 1.2, found: "),
    ],
)
def test_a_file_without_parameters_is_named_with_what_is_wrong(tmp_path, content, told):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        load_study(path, datasets=DATASETS)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError) as caught:
        load_study(tmp_path / "params.yaml")
    assert str(caught.value) == f"{tmp_path / 'params.yaml'}: expected a file of parameters, found none"


# --- Sections on their own, as the stages load them ---


@pytest.mark.parametrize("keys", ["prepare.cars", "cars", "seeds.housing"])
def test_a_missing_section_is_named(keys):
    with pytest.raises(ParamsError) as caught:
        load_section(keys, HousingParams, COMMITTED)
    assert str(caught.value) == f"{COMMITTED}: expected a section {keys}, found none"


def test_a_fault_in_a_section_has_the_same_key_as_in_the_whole(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("train: {mlp: {method: closed_form, data: cars}}\nprepare: {housing: {seed: 1.5}}\n")
    with pytest.raises(ParamsError, match=r"1 problem\n  train\.mlp\.data: expected 'housing' or"):
        load_section("train.mlp", MODEL, path)
    with pytest.raises(ParamsError, match=r"3 problems\n(.*\n){2}  prepare\.housing\.seed: expected .*, found 1\.5"):
        load_section("prepare.housing", HousingParams, path)


# --- What the claims stand on ---


def test_a_study_without_softmax_regression_is_refused(tmp_path, study):
    change(study, "train.softmax_regression", ABSENT)
    (line,) = problems(tmp_path, study)
    assert line.startswith("train.softmax_regression: expected a classifier of images")


def test_a_study_without_hidden_layers_is_refused(tmp_path, study):
    study["train"] = {"softmax_regression": study["train"]["softmax_regression"]}
    (line,) = problems(tmp_path, study)
    assert line.startswith("train: expected a classifier of images with hidden layers")


def test_a_model_that_is_tuned_has_to_be_an_mlp_of_train(tmp_path, study):
    study["train"]["squares"] = study["train"]["mlp_relu"] | {"loss": "squared_error"}
    change(study, "experiments.mlp_rates.models", ["mlp_relu", "softmax_regression", "squares", "mlp_gone"])
    (line,) = problems(tmp_path, study)
    assert line.startswith("experiments.mlp_rates.models: expected classifiers of images in `train` with hidden layers")
    assert line.endswith("found mlp_gone, softmax_regression, squares")


def test_a_single_seed_is_refused(tmp_path, study):
    change(study, "seeds", [0])
    assert problems(tmp_path, study) == ["seeds: expected at least 2, since claims compare them, found [0]"]


def test_a_seed_that_tunes_and_evaluates_is_refused_before_any_work_wherever_it_stands(tmp_path, study):
    change(study, "seeds", [0, 7])
    tuned = ("experiments.mlp_rates", "experiments.activation_outputs.price")
    for section in tuned:
        change(study, f"{section}.tuning_seeds", [7, 100])
    expected = "tuning_seeds: expected tuning seeds that are not among `seeds`, which evaluate, found [7]"
    assert sorted(problems(tmp_path, study)) == sorted(f"{section}.{expected}" for section in tuned)


def test_seeds_that_tune_the_control_of_the_losses_evaluate_nothing(tmp_path, study):
    change(study, "experiments.losses.again_tuning_seeds", [30, 200])
    (line,) = problems(tmp_path, study)
    assert line.startswith("experiments.losses.again_tuning_seeds: expected tuning seeds that are not among")
    assert line.endswith("`experiments.losses.seeds`, which evaluate, found [30]")


@pytest.mark.parametrize("section", ["experiments.losses", "experiments.activation_outputs", "ladder.protocol"])
def test_tuning_seeds_are_apart_from_the_seeds_of_their_own_section(tmp_path, study, section):
    change(study, f"{section}.tuning_seeds", [7, 100])
    change(study, f"{section}.seeds", [0, 7])
    problem = "expected tuning_seeds that are not among seeds, which evaluate, found [7]"
    assert f"{section}.seeds: {problem}" in problems(tmp_path, study)
