"""A copy of the checkout whose path has a space, on images small in number and made up, for tests of the pipeline."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests import warm
from tools.checkout import copy_checkout, read_params, write_params
from tools.comparison import compared_stages, files_below, locked_outputs
from tools.smoke import miniature
from tools.staleness import CHECK, stale_stages

MODELS = ("linear_closed_form", "linear_sgd", "synthetic_closed_form", "softmax_regression", "mlp_relu", "resnet18")
OFFLINE = Path(__file__).with_name("offline")  # makes every Python process refuse connections beyond this machine


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


def last_command(command):
    """The command of a stage; what comes before it asks whether there is Python."""
    return command if isinstance(command, str) else command[-1]


def only(params, models):
    """The parameters of a study with these models alone."""
    kept = {kind: {name: params[kind][name] for name in models if name in params[kind]} for kind in ("train", "vision")}
    rates = params["experiments"]["mlp_rates"]
    tuned = rates | {"models": [name for name in rates["models"] if name in kept["train"]]}
    return params | kept | {"experiments": params["experiments"] | {"mlp_rates": tuned}}


class Checkout:
    """A copy of the checkout with the made-up images as its Fashion-MNIST; its Python is plain, or a warm one."""

    def __init__(self, root, *, is_warm=False):
        self.is_warm = is_warm
        self.root = root / "a checkout"
        self.images = root / "images"
        self.network_log = root / "network.log"
        self.read_log = root / "reads"
        self.read_log.mkdir()
        write_images(self.images)
        copy_checkout(self.root)
        files = sorted(self.images.iterdir())
        sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
        (self.root / "datasets/FashionMNIST/SHA256SUMS").write_text(sums)
        params = miniature(read_params(self.root), train_size=400, validation_size=200)
        params = only(params, MODELS)
        write_params(self.root, params)

    def environment(self, **changes):
        # One process: starting others takes longer than the little work there is.
        settings = {"DLSTUDY_FASHION_MNIST": str(self.images), "DLSTUDY_PROCESSES": "1"} | changes
        settings |= {"PYTHONPATH": str(OFFLINE), "DLSTUDY_NETWORK_LOG": str(self.network_log)}
        settings["DLSTUDY_READ_LOG"] = str(self.read_log)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        everything = os.environ | {"PATH": path} | settings
        everything.pop("PYTHONDONTWRITEBYTECODE", None)  # each stage would compile the study's code again
        return warm.warmed(everything) | changes if self.is_warm else everything

    def run(self, *arguments, **environment):
        """Run a DVC command as a user would."""
        return subprocess.run(
            [warm.python() if self.is_warm else sys.executable, "-m", "dvc", *arguments],
            cwd=self.root,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )

    def dvc(self, *arguments, **environment):
        """Run a DVC command that has to succeed; which stages ran, but the check before them."""
        run = self.run(*arguments, **environment)
        assert run.returncode == 0, run.stdout + run.stderr
        return set(stale_stages(run.stdout)) - {CHECK}

    def dvc_killed_in_the_second(self, group, *arguments):
        """Run a DVC command and kill all its processes when a second stage of a group has begun; the finished one."""
        log = self.root.parent / "killed.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", "dvc", *arguments],
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

    def change(self, change):
        params = read_params(self.root)
        change(params)
        write_params(self.root, params)

    def replace(self, file, old, new):
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    @contextmanager
    def restored(self, file):
        """The file is afterwards what it was."""
        content = (self.root / file).read_bytes()
        try:
            yield
        finally:
            (self.root / file).write_bytes(content)

    @property
    def reads(self):
        """For each stage's command, the files of this checkout that it has opened for reading, temporary ones aside."""
        found = {}
        for log in self.read_log.iterdir():
            stage, *paths = log.read_text(encoding="utf-8").splitlines()
            inside = (path for path in map(Path, paths) if path.is_relative_to(self.root) and path.is_file())
            names = {path.relative_to(self.root).as_posix() for path in inside}
            found.setdefault(f"python {stage}", set()).update(names)
        return found

    @property
    def results(self):
        """Every file in Git that does not depend on wall-clock time, and every checksum in dvc.lock likewise."""
        lock = self.root / "dvc.lock"
        return files_below(self.root, locked_outputs(lock)), compared_stages(lock)


def copied(checkout, root):
    """The checkout as it stands, at another place."""
    copy = Checkout(root, is_warm=checkout.is_warm)
    shutil.rmtree(copy.root)
    shutil.copytree(checkout.root, copy.root)
    return copy
