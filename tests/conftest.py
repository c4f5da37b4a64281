"""What every test stands on: the study's own arithmetic, no network, small data sets."""

# The arithmetic is settled between the imports:
# ruff: noqa: E402
from dlstudy.core.base.arithmetic import settle

settle()  # before anything imports NumPy or PyTorch: later it would have no effect

import ipaddress
import os
import socket
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import settings

from dlstudy.core.base.dataset import Dataset, Scale, Split
from dlstudy.core.base.randomness import generator
from dlstudy.data import housing, synthetic
from dlstudy.data.params import HousingParams, SyntheticParams
from tests.warm import WARM

ROOT = Path(__file__).resolve().parents[1]

# The same examples in every run; how long one takes is never a reason to fail.
settings.register_profile("study", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("study")


LONG = (
    *("test_pipeline.py", "test_every_figure.py", "test_vision.py", "test_exercises.py", "test_image_choice.py"),
    *("test_documents.py", "test_report.py", "test_cluster.py"),
)


def pytest_collection_modifyitems(items):
    """Long files first, the pipeline's above all, so that both processes end with short ones, and so together."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_sessionfinish():
    WARM.stop()


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Looking up or connecting to another machine fails the test; pytest.fail, so that no `except OSError` hides it."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)  # a proxy on this machine would lead beyond it

    def refuse_others(host):
        if not is_loopback(host):
            pytest.fail(f"no test may use the network: {host!r}")

    for method in ("connect", "connect_ex"):
        original = getattr(socket.socket, method)

        def guarded(self, address, original=original):
            if self.family in (socket.AF_INET, socket.AF_INET6):
                refuse_others(address[0])
            return original(self, address)

        monkeypatch.setattr(socket.socket, method, guarded)

    look_up = socket.getaddrinfo

    def guarded_look_up(host, *args, **kwargs):
        refuse_others(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    """Runs stay on this machine, whatever scheduler the user has named."""
    monkeypatch.delenv("DLSTUDY_SCHEDULER", raising=False)


def is_loopback(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):  # None and "" are this machine, where a server binds
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def draw_images(num_images: int, num_classes: int, purpose: str) -> Split:
    """Images of bright horizontal bars, one place a class, under noise: easy to learn, not trivially so."""
    stream = generator(0, purpose)
    classes = torch.arange(num_images) % num_classes
    images = torch.randint(0, 160, (num_images, 28, 28), generator=stream)
    rows = torch.arange(28)
    bars = (rows // 2 == classes.unsqueeze(1)).unsqueeze(2) * 95  # (images, 28, 1)
    return Split((images + bars).to(torch.uint8), classes)


@pytest.fixture(scope="session")
def images() -> Dataset:
    """A classification data set shaped as Fashion-MNIST is: 200, 60 and 70 images of 10 classes."""
    train = draw_images(200, 10, "train")
    return Dataset(
        task="classification",
        train=train,
        validation=draw_images(60, 10, "validation"),
        test=draw_images(70, 10, "test"),
        feature_scale=Scale.of_pixels(train.features),
        target_scale=None,
        feature_names=("pixel",),
        target_name="class",
        class_names=tuple("abcdefghij"),
    )


@pytest.fixture(scope="session")
def known_line() -> Dataset:
    """The synthetic problem, y = 2 x1 - 3.4 x2 + 4.2 + noise, with 100, 30 and 40 examples."""
    params = SyntheticParams(
        train_size=100, validation_size=30, test_size=40, weights=(2.0, -3.4), bias=4.2, noise_std=0.1, seed=1
    )
    return synthetic.prepare(params)


@pytest.fixture(scope="session")
def sales() -> pd.DataFrame:
    """All 2,930 sales of the real table."""
    return housing.sales_of(housing.read_table(ROOT / "datasets" / "housing" / "ames_housing.csv"))


@pytest.fixture(scope="session")
def houses(sales) -> Dataset:
    """The real sales, divided as the study divides them."""
    return housing.prepare(sales, HousingParams(validation_fraction=0.2, test_fraction=0.2, seed=2026))
