"""A study of other images, downloaded and prepared in a copy of the checkout, from files that are tiny and made up."""

import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dvc.repo import Repo

from tests import warm
from tests.data.test_image_folders import write_class
from tests.data.test_images import write_part
from tests.image_sets import IMAGE_SETS
from tests.pipeline import MODELS, OFFLINE, only
from tools.checkout import ROOT, copy_checkout, read_params, write_params
from tools.smoke import miniature
from tools.staleness import CHECK

FILES = [f"{part}-{kind}-ubyte" for part in ("t10k", "train") for kind in ("images-idx3", "labels-idx1")]
UNREACHABLE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # nobody listens there


def write_files(folder, *, compress):
    """Images and classes by chance, 600 and 200 of them."""
    draws = np.random.default_rng(0)
    for part, num in (("train", 600), ("t10k", 200)):
        write_part(folder, part, draws.integers(0, 256, (num, 28, 28)), draws.integers(0, 10, num).tolist())
    for path in sorted(folder.iterdir()) if compress else ():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


class Checkout:
    """A copy of the checkout whose params.yaml names a data set, and a folder with made-up files of it."""

    def __init__(self, root, dataset, *, compress):
        self.root, self.images = root / "a checkout", root / "images"
        write_files(self.images, compress=compress)
        copy_checkout(self.root)
        files = sorted(self.images.iterdir())
        sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
        (self.root / "datasets" / dataset / "SHA256SUMS").write_text(sums)
        params = miniature(read_params(self.root), train_size=260, validation_size=52)
        write_params(self.root, params | {"download": params["download"] | {"attempts": 1}})
        self.name_images(dataset)

    def name_images(self, dataset):
        params = read_params(self.root)
        params["prepare"]["images"]["dataset"] = dataset
        write_params(self.root, params)

    def run(self, *arguments, **environment):
        settings = {name: value for name, value in os.environ.items() if not name.startswith("DLSTUDY_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), settings["PATH"]])
        return subprocess.run(
            [warm.python(), "-m", *arguments],
            cwd=self.root,
            env=warm.warmed(settings | {"PATH": path}) | environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.parametrize(
    ("dataset", "compress", "variable", "first_class"),
    [("MNIST", False, "DLSTUDY_MNIST", "zero"), ("KMNIST", True, "DLSTUDY_KMNIST", "o")],
)
def test_the_images_that_params_yaml_names_are_downloaded_and_prepared(
    tmp_path, dataset, compress, variable, first_class
):
    checkout = Checkout(tmp_path, dataset, compress=compress)
    run = checkout.run("stages.download", "images", **UNREACHABLE | {variable: str(checkout.images)})
    assert run.returncode == 0, run.stderr
    assert f"4 verified file(s) from the local folder {checkout.images}" in run.stderr
    run = checkout.run("stages.prepare_images")
    assert run.returncode == 0, run.stderr
    facts = json.loads((checkout.root / "results/data/images/facts.json").read_text())
    assert (facts["dataset"], facts["name"], facts["class_names"][0]) == (dataset, dataset, first_class)
    labels = np.frombuffer((checkout.root / "data/raw/images/t10k-labels-idx1-ubyte").read_bytes()[8:], np.uint8)
    assert facts["num_examples_by_class"]["test"] == np.bincount(labels, minlength=10).tolist()


@pytest.mark.parametrize("dataset", IMAGE_SETS)
def test_dvc_takes_checksums_from_the_folder_of_the_images_that_are_named(tmp_path, dataset):
    checkout = Checkout(tmp_path, dataset, compress=False)
    with Repo(str(checkout.root), config={"core": {"no_scm": True}}) as repo:
        stages = repo.stage.load_all(str(checkout.root / "dvc.yaml"))
        deps = {stage.name: {dep.def_path for dep in stage.deps} for stage in stages}
    folders = {path for path in deps["download@images"] if path.startswith("datasets/")}
    assert folders == {f"datasets/{dataset}"}  # another one is a change, which DVC downloads for
    assert f"datasets/{dataset}" in deps["report"]
    for stage in ("prepare@images", "judge", "figures"):
        assert f"datasets/{dataset}/dataset.yaml" in deps[stage]


def test_without_the_images_the_error_names_what_was_tried_and_every_way_out(tmp_path):
    checkout = Checkout(tmp_path, "MNIST", compress=False)
    (tmp_path / "empty").mkdir()
    run = checkout.run("stages.download", "images", **UNREACHABLE, DLSTUDY_MNIST=str(tmp_path / "empty"))
    assert run.returncode != 0
    told = run.stderr[run.stderr.index("error: ") :]
    assert f"1. the local folder {tmp_path / 'empty'}: expected t10k-images-idx3-ubyte, " in told
    assert "2. torchvision's downloader (MNIST): http" in told
    assert "Debian" not in told
    assert "Files wanted: t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, train-images-idx3-ubyte, " in told
    assert "Put them into a folder (or its raw or its MNIST/raw) and set DLSTUDY_MNIST to it." in told


def test_images_that_nobody_knows_are_refused_before_any_work(tmp_path):
    checkout = Checkout(tmp_path, "MNIST", compress=False)
    checkout.name_images("CIFAR10")
    run = checkout.run("dvc", "repro")
    assert run.returncode != 0
    known = "FashionMNIST or KMNIST or MNIST, which have a dataset.yaml in datasets"
    assert f"prepare.images.dataset: expected {known}, found 'CIFAR10'" in run.stderr
    assert re.findall(r"^Running stage '([^']+)'", run.stdout, flags=re.MULTILINE) == [CHECK]


# --- One's own images ---


def own_images(root, num_of_each):
    """A checkout whose params.yaml names a folder of images of three classes."""
    checkout = Checkout(root, "MNIST", compress=False)
    folder = checkout.root / "datasets/pets"
    write_class(folder / "train", dict.fromkeys(("bird", "cat", "dog"), num_of_each))
    (folder / "dataset.yaml").write_text("kind: folder\nname: My pets\n")
    checkout.name_images("pets")
    return checkout


def test_a_folder_of_images_goes_through_check_download_and_prepare_without_network(tmp_path):
    checkout = own_images(tmp_path, 130)
    run = checkout.run("dvc", "repro", "prepare@images", **UNREACHABLE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "images: 390 verified images from datasets/pets" in run.stderr + run.stdout
    facts = json.loads((checkout.root / "results/data/images/facts.json").read_text())
    assert (facts["dataset"], facts["name"], facts["class_names"]) == ("pets", "My pets", ["bird", "cat", "dog"])
    assert facts["num_images"] == {"train": 312, "t10k": 78}
    assert facts["num_examples_by_class"]["test"] == [26, 26, 26]
    sums = {name: hashlib.sha256((checkout.root / "data/raw/images" / name).read_bytes()).hexdigest() for name in FILES}
    assert facts["folder"]["checksums"] == sums

    again = checkout.run("dvc", "repro", "prepare@images")
    assert re.findall(r"^Running stage '([^']+)'", again.stdout, flags=re.MULTILINE) == []
    write_class(checkout.root / "datasets/pets/train", {"fish": 20}, first=900)  # a change that DVC sees
    run = checkout.run("dvc", "repro", "prepare@images")
    ran = re.findall(r"^Running stage '([^']+)'", run.stdout, flags=re.MULTILINE)
    assert ran == [CHECK, "download@images", "prepare@images"]


def test_more_images_than_the_folder_has_are_refused_before_any_work(tmp_path):
    checkout = own_images(tmp_path, 20)  # of each a fifth is drawn for the test
    run = checkout.run("stages.check_params")
    assert run.returncode != 0
    assert "prepare.images.validation_size: expected train_size + validation_size <= 48, found 312" in run.stderr


def test_bad_images_are_told_with_the_other_faults_of_the_parameters(tmp_path):
    checkout = own_images(tmp_path, 20)
    (checkout.root / "datasets/pets/train/empty").mkdir()
    (checkout.root / "datasets/pets/train/cat/notes.png").write_text("notes")
    params = read_params(checkout.root)
    write_params(checkout.root, params | {"evaluate": params["evaluate"] | {"num_mistakes": -1}})
    run = checkout.run("stages.check_params")
    assert "params.yaml: 2 problems" in run.stderr
    assert "prepare.images.dataset: datasets/pets: 2 problems" in run.stderr
    assert "datasets/pets/train/empty: expected images, found an empty folder; fill or remove it" in run.stderr
    assert "datasets/pets/train/cat/notes.png: expected a whole PNG or JPEG image" in run.stderr
    assert "evaluate.num_mistakes" in run.stderr


@pytest.mark.slow
def test_a_folder_of_images_comes_to_a_report_of_its_own_by_the_commands_of_the_docs(tmp_path):
    study, small, photos = tmp_path / "study", tmp_path / "pets-in-small", tmp_path / "my_pets"
    copy_checkout(study)
    shutil.copytree(ROOT / "tools", study / "tools")
    params = read_params(study)
    write_params(study, only(params, MODELS))  # fewer models: each takes seconds to start
    write_class(photos, dict.fromkeys(("bird", "cat", "dog"), 250))

    put, describe, *_ = re.findall(r"^(?:mkdir|printf) .*$", (ROOT / "docs/datasets.md").read_text(), re.MULTILINE)
    (smoke,) = re.findall(r'`make smoke ARGS="(--images pets .*?)"`', (ROOT / "docs/datasets.md").read_text())
    for command in (put.replace("my_pets", shlex.quote(str(photos))), describe):
        subprocess.run(command, shell=True, cwd=study, check=True)
    settings = {"PYTHONPATH": str(OFFLINE), "DLSTUDY_NETWORK_LOG": str(tmp_path / "network.log")}
    run = subprocess.run(
        [sys.executable, "-m", "tools.smoke", *smoke.split()],
        cwd=study,
        env=os.environ | settings | {"DLSTUDY_PROCESSES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert not (tmp_path / "network.log").exists(), (tmp_path / "network.log").read_text()
    pages = {page.name: page.read_text(encoding="utf-8") for page in (small / "reports").glob("*.md")}
    assert "My pets" in pages["README.md"]
    assert all(f"| {name} |" in pages["data.md"] for name in ("bird", "cat", "dog"))
    assert json.loads((small / "results/data/images/facts.json").read_text())["num_images"] == {
        "train": 600,
        "t10k": 150,
    }
