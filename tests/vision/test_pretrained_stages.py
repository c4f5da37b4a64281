"""From a file of weights to a softmax regression on frozen features, by the stages, in a folder of its own."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from dlstudy.core.base.dataset import save_dataset
from tests.stand_in import NAME, NOWHERE, random_network, run_stage, save_as_published
from tools.checkout import read_params, write_params

ROOT = Path(__file__).resolve().parents[2]
MODEL = {"method": "sgd", "data": "frozen", "hidden": [], "init": "zeros", "lr": 0.02, "batch_size": 10}


class Checkout:
    """A folder with the stages and small prepared images, and a folder of weights beside it."""

    def __init__(self, folder, images):
        self.root, self.weights = folder / "a checkout", folder / "my weights"
        for name in ("src", "stages"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        params = read_params(ROOT)
        params["prepare"]["images"] |= {"train_size": 200, "validation_size": 60}
        params["download"]["weights"] = [NAME]
        params["features"] = {"frozen": {"weights": NAME, "resolution": 32, "num_images": 200}}
        params["train"] = {"transfer": MODEL | {"num_epochs": 10}}
        params["seeds"] = [0, 1]
        write_params(self.root, params)
        save_dataset(self.root / "data/prepared/images.pt", images)
        self.file = save_as_published(self.weights, random_network().state_dict())
        self.url = f"{NOWHERE}{self.file.name}"

    def run(self, *arguments, folder=None):
        nothing = str(self.root.parent / "nothing")
        environment = {"DLSTUDY_WEIGHTS": str(folder or nothing), "TORCH_HOME": nothing, "DLSTUDY_PROCESSES": "1"}
        return run_stage(self.root, self.url, *arguments, **environment)


@pytest.fixture
def checkout(tmp_path, images):
    return Checkout(tmp_path, images)


def test_weights_from_a_folder_become_features_and_a_model_on_them_with_everything_that_others_have(checkout):
    assert (done := checkout.run("download_weights", folder=checkout.weights)).returncode == 0, done.stderr
    assert [path.name for path in (checkout.root / "data/weights").iterdir()] == [f"{NAME}.pth"]
    for stage in (("features", "frozen"), ("train_sgd", "transfer"), ("evaluate", "transfer")):
        assert (done := checkout.run(*stage)).returncode == 0, done.stderr
    per_seed = pd.read_csv(checkout.root / "results/evaluation/transfer/per_seed.csv")
    accuracy = per_seed[per_seed["split"] == "test"].set_index("seed")["accuracy"]
    assert (accuracy > 0.2).all()  # by chance 0.1, with a standard error of 0.036
    assert sorted(accuracy.index) == [0, 1]
    assert sorted(path.stem for path in (checkout.root / "results/evaluation/transfer").iterdir()) == [
        *("calibration", "confusion", "correct", "mistakes", "per_class", "per_seed", "reliability")
    ]
    for file in ("metrics/transfer.json", "results/history/transfer.csv", "data/predictions/transfer.csv"):
        assert (checkout.root / file).is_file()


@pytest.mark.slow
def test_without_file_and_network_one_error_names_both_ways(checkout):
    done = checkout.run("download_weights")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    error = done.stderr[done.stderr.index("error: ") :]
    assert f"1. the local folder {checkout.root.parent / 'nothing'}: expected a folder, found nothing" in error
    assert f"3. {checkout.url}: <urlopen error" in error
    assert error.startswith(f"error: {NAME}: no source gave the files. Tried:\n")
    assert "Try again where there is a network, or put all files of download.weights into a folder and set " in error
    assert "DLSTUDY_WEIGHTS=/path/to/folder:\n" in error
    assert error.endswith(f"\n  {checkout.file.name}, from {checkout.url}\n")
    assert not (checkout.root / "data/weights").exists()
    assert not (checkout.root / "data/weights_check.txt").exists()


def test_weights_that_torchvision_does_not_name_are_a_fault_of_params(checkout):
    params = read_params(checkout.root)
    params["download"]["weights"] = ["ResNet19_Weights.IMAGENET1K_V1"]
    write_params(checkout.root, params)
    done = checkout.run("download_weights", folder=checkout.weights)
    assert done.returncode != 0
    assert "error: params.yaml: 1 problem\n  download.weights: ResNet19_Weights.IMAGENET1K_V1: expected" in done.stderr
    assert not (checkout.root / "data/weights_check.txt").exists()


@pytest.mark.slow
def test_a_file_that_was_changed_after_its_download_is_refused_before_any_work(checkout):
    assert checkout.run("download_weights", folder=checkout.weights).returncode == 0
    file = checkout.root / f"data/weights/{NAME}.pth"
    file.write_bytes(file.read_bytes()[:-1])
    done = checkout.run("features", "frozen")
    assert done.returncode != 0
    assert f"error: data/weights/{NAME}.pth: expected SHA-256 {checkout.file.stem[-8:]}..." in done.stderr
    assert not (checkout.root / "data/prepared/frozen.pt").exists()
