"""The whole pipeline, in a copy of the checkout whose path has a space, on images small in number and made up."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tools.checkout import copy_checkout, read_params, write_params
from tools.reproduce import compared_stages, files_below, locked_outputs
from tools.smoke import miniature

OFFLINE = Path(__file__).with_name("offline")  # makes every Python process refuse connections beyond this machine
MODELS = ("linear_closed_form", "linear_sgd", "synthetic_closed_form", "softmax_regression", "mlp_relu", "mlp_tanh")


def write_idx(path, array):
    """An IDX file: magic number with the number of dimensions, the dimensions, the bytes."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    path.write_bytes(header + array.tobytes())


def write_images(folder):
    """Ten classes that a linear model can tell apart: class k is bright in rows 2k and 2k + 1."""
    folder.mkdir()
    draws = np.random.default_rng(0)
    for part, num in (("train", 600), ("t10k", 200)):
        labels = draws.integers(0, 10, num).astype(np.uint8)
        images = draws.integers(0, 100, (num, 28, 28)).astype(np.uint8)
        images[np.arange(num), 2 * labels.astype(int)] += 120
        images[np.arange(num), 2 * labels.astype(int) + 1] += 120
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)


class Checkout:
    """A copy of the checkout with the made-up images as its Fashion-MNIST."""

    def __init__(self, root):
        self.root = root / "a checkout"
        self.images = root / "images"
        self.network_log = root / "network.log"
        write_images(self.images)
        copy_checkout(self.root)
        files = sorted(self.images.iterdir())
        sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
        (self.root / "datasets/FashionMNIST/SHA256SUMS").write_text(sums)
        params = miniature(read_params(self.root), train_size=400, validation_size=200)
        params["train"] = {name: params["train"][name] for name in MODELS}
        write_params(self.root, params)

    def environment(self, **changes):
        # One process: starting others takes longer than the little work there is.
        settings = {"DLSTUDY_FASHION_MNIST": str(self.images), "DLSTUDY_PROCESSES": "1"} | changes
        settings |= {"PYTHONPATH": str(OFFLINE), "DLSTUDY_NETWORK_LOG": str(self.network_log)}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return os.environ | {"PATH": path} | settings

    def run(self, *arguments, **environment):
        """Run a DVC command as a user would."""
        return subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.root,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )

    def dvc_killed_after_the_first(self, group):
        """Run the pipeline and kill all its processes when a second stage of a group has begun; the finished ones."""
        log = self.root.parent / "killed.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", "dvc", "repro"],
                cwd=self.root,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            begun = []
            while len(begun) < 2:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
                begun = re.findall(rf"Running stage '({group}@[^']+)'", log.read_text())
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return {begun[0]}

    def dvc(self, *arguments, **environment):
        """Run a DVC command that has to succeed; which stages ran."""
        run = self.run(*arguments, **environment)
        assert run.returncode == 0, run.stdout + run.stderr
        return set(re.findall(r"^Running stage '([^']+)'", run.stdout, flags=re.MULTILINE))

    def change(self, change):
        params = read_params(self.root)
        change(params)
        write_params(self.root, params)

    def replace(self, file, old, new):
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    @property
    def lock(self):
        """Every checksum but those that hang on a clock."""
        return compared_stages(self.root / "dvc.lock")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which the pipeline has run once. The tests here follow one another in it."""
    made = Checkout(tmp_path_factory.mktemp("pipeline"))
    made.ran_first = made.dvc("repro")
    yield made
    assert not made.network_log.exists(), made.network_log.read_text()


def test_every_stage_runs_once_and_leaves_every_output(checkout):
    for model in MODELS:
        assert {f"train@{model}", f"evaluate@{model}"} <= checkout.ran_first
    missing = [path for path in locked_outputs(checkout.root / "dvc.lock") if not (checkout.root / path).exists()]
    assert missing == []


def test_no_stage_reaches_beyond_this_machine_and_each_could_not(checkout):
    """Not even the download does: its images are in a folder. Whatever torchvision imports, nothing connects."""
    assert not checkout.network_log.exists(), checkout.network_log.read_text()
    # and every process would have been refused, one that it starts in turn as well
    attempt = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    for code in (attempt, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {attempt!r}], check=True)"):
        run = subprocess.run(
            [sys.executable, "-c", code], env=checkout.environment(), capture_output=True, text=True, check=False
        )
        assert run.returncode != 0
        assert "no stage may use the network: '192.0.2.1'" in run.stderr
    assert len(checkout.network_log.read_text().splitlines()) == 2
    checkout.network_log.unlink()


def test_pretrained_weights_would_be_a_connection(checkout):
    """What the guard is for: one word more in a stage, and torchvision downloads."""
    code = "from torchvision.models import resnet18; resnet18(weights='DEFAULT')"
    environment = checkout.environment(TORCH_HOME=str(checkout.root / "tmp"))
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "no stage may use the network" in run.stderr
    assert "resnet18" in checkout.network_log.read_text()
    checkout.network_log.unlink()


def test_models_learn_what_can_be_learnt(checkout):
    # 200 test images of ten classes that a linear model can tell apart; one in ten would be chance
    for model in ("softmax_regression", "mlp_relu"):
        assert json.loads((checkout.root / f"metrics/{model}.json").read_text())["test_accuracy"] > 0.9


def test_reports_tell_of_every_model_and_show_only_figures_that_exist(checkout):
    reports = checkout.root / "reports"
    text = "".join(page.read_text(encoding="utf-8") for page in reports.glob("*.md"))
    assert all(model in text for model in MODELS)
    shown = set(re.findall(r"\]\(((?:figures|galleries|timing|verdicts)/[^)]+)\)", text))
    drawn = [path for folder in ("figures", "galleries", "timing", "verdicts") for path in (reports / folder).iterdir()]
    assert shown == {path.relative_to(reports).as_posix() for path in drawn}


def test_every_claim_about_time_has_a_verdict_apart_from_all_others(checkout):
    timed, others = (
        json.loads((checkout.root / file).read_text()) for file in ("timing/verdicts.json", "metrics/verdicts.json")
    )
    assert {key.split("/")[0] for key in timed if not key.startswith("num_")} == {"ACT-13", "ACT-14"}
    assert timed["num_invalid"] == 0  # rounds enough
    assert not {key for key in others if key.startswith(("ACT-13", "ACT-14"))}


def test_nothing_runs_when_nothing_has_changed(checkout):
    assert checkout.dvc("repro") == set()


def test_all_bytes_are_the_same_again_with_two_processes_and_on_an_older_processor(checkout):
    before, lock = files_below(checkout.root, locked_outputs(checkout.root / "dvc.lock")), checkout.lock
    # MKL then takes the kernels that it would take on a processor without AVX-512
    checkout.dvc("repro", "--force", DLSTUDY_PROCESSES="2", MKL_ENABLE_INSTRUCTIONS="AVX2")
    assert files_below(checkout.root, locked_outputs(checkout.root / "dvc.lock")) == before
    assert checkout.lock == lock


def test_another_learning_rate_trains_that_model_only(checkout):
    checkout.change(lambda params: params["train"]["mlp_relu"].update(lr=0.07))
    ran = checkout.dvc("repro")
    measured = {"train@mlp_relu", "evaluate@mlp_relu"}
    drawn = {"figures", "galleries", "report"}
    assert ran - {"verdict_figures"} == {"check_params", *measured, "judge", *drawn}


def test_one_line_adds_a_model(checkout):
    added = {"method": "sgd", "data": "housing", "hidden": [8], "activation": "gelu", "init": "he", "lr": 0.05}
    checkout.change(lambda params: params["train"].update(wide=added | {"batch_size": 64, "num_epochs": 2}))
    drawn = {"figures", "galleries", "report"}
    assert checkout.dvc("repro") == {"check_params", "train@wide", "evaluate@wide", "judge", *drawn}
    assert "`wide`" in (checkout.root / "reports/README.md").read_text(encoding="utf-8")


def test_one_line_adds_an_activation_to_the_sweep(checkout):
    checkout.change(lambda params: params["sweep"]["activations"].append("mish"))
    ran = checkout.dvc("repro")
    assert ran == {"check_params", "sweep@mish", "judge", "figures", "verdict_figures", "report"}
    assert "mish" in (checkout.root / "reports/activations.md").read_text(encoding="utf-8")


def test_another_threshold_of_the_sweep_is_judged_again_and_trains_nothing(checkout):
    checkout.change(lambda params: params["sweep"]["thresholds"].update(trainable=0.5))
    ran = checkout.dvc("repro")
    assert "judge" in ran
    assert ran <= {"check_params", "judge", "figures", "verdict_figures", "report"}


def test_a_pipeline_that_is_killed_keeps_what_it_has_finished(checkout):
    width = read_params(checkout.root)["sweep"]["protocol"]["width"]
    checkout.change(lambda params: params["sweep"]["protocol"].update(width=width + 1))
    finished = checkout.dvc_killed_after_the_first("sweep")
    ran = {stage for stage in checkout.dvc("repro") if stage.startswith("sweep@")}
    swept = {f"sweep@{name}" for name in read_params(checkout.root)["sweep"]["activations"]}
    assert ran == swept - finished
    resumed = files_below(checkout.root, {"results/sweep": ""})
    checkout.dvc("repro", "--force", "--single-item", *sorted(swept))  # in one go
    assert files_below(checkout.root, {"results/sweep": ""}) == resumed


def test_a_reworded_report_trains_nothing(checkout):
    checkout.replace("src/dlstudy/report/templates/README.md.j2", "# What the models reach", "# Results")
    assert checkout.dvc("repro") == {"cost_report", "report"}


def test_a_reworded_claim_is_judged_again_and_nothing_else_is_measured(checkout):
    checkout.replace("src/dlstudy/claims/softmax.py", "Softmax", "The softmax")
    assert checkout.dvc("repro") <= {"judge", "verdict_figures", "report"}


def test_another_margin_is_judged_again_and_nothing_else_is_measured(checkout):
    checkout.change(lambda params: params["judge"].update(margin=0.3))
    assert checkout.dvc("repro") <= {"check_params", "judge", "verdict_figures", "cost_report", "report"}
    assert "0.3 points" in (checkout.root / "reports/method.md").read_text(encoding="utf-8")


def test_a_comment_in_the_training_loop_trains_again_and_stops_there(checkout):
    checkout.replace("src/dlstudy/sgd.py", '"""Minibatch', '"""Small-batch')
    ran = checkout.dvc("repro")
    # the closed form does not import the loop; the weights come out the same, so nothing is scored again
    models = read_params(checkout.root)["train"]
    assert ran >= {f"train@{name}" for name, model in models.items() if model["method"] == "sgd"}
    assert not any(stage.startswith("evaluate") or "closed_form" in stage for stage in ran)


def test_impossible_parameters_stop_the_pipeline_before_any_work(checkout):
    good = (checkout.root / "params.yaml").read_bytes()
    checkout.change(lambda params: params["train"]["mlp_relu"].update(lr=-1.0, batch_size=401))
    run = checkout.run("repro")
    assert run.returncode != 0
    assert "train.mlp_relu.lr: expected greater than 0, found -1.0" in run.stderr
    assert "train.mlp_relu.batch_size: expected at most 400" in run.stderr
    assert re.findall(r"^Running stage '([^']+)'", run.stdout, flags=re.MULTILINE) == ["check_params"]
    (checkout.root / "params.yaml").write_bytes(good)
    assert checkout.dvc("repro") <= {"check_params"}  # nothing was lost


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_experiment_in_a_temporary_copy_runs_the_code_of_that_copy(checkout):
    def git(*arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=checkout.root, check=True, capture_output=True)

    (checkout.root / ".dvc/config.local").unlink()
    (checkout.root / ".gitignore").write_text("/data/\n/models/\n__pycache__/\n/.dvc/cache\n/.dvc/tmp\n")
    git("init")
    git("add", "-A")
    git("commit", "-m", "as it is")
    old = (checkout.root / "reports/README.md").read_bytes()
    checkout.replace("src/dlstudy/report/templates/README.md.j2", "Every number of ours", "In the copy every number")
    ran = checkout.dvc("exp", "run", "--temp", "--name", "in-a-copy", "-S", "train.softmax_regression.lr=0.05")
    assert {"train@softmax_regression", "report"} <= ran
    assert (checkout.root / "reports/README.md").read_bytes() == old  # the workspace is untouched
    checkout.dvc("exp", "apply", "in-a-copy")
    text = (checkout.root / "reports/README.md").read_text(encoding="utf-8")
    assert "In the copy every number" in text
    assert read_params(checkout.root)["train"]["softmax_regression"]["lr"] == 0.05
