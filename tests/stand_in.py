"""A small file of weights that stands in for a published one: random numbers, with their own checksum in its name."""

import hashlib
import os
import subprocess
from pathlib import Path

import torch

from tests import warm

NAME = "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1"
NOWHERE = "http://127.0.0.1:9/"  # this machine, where nobody listens

RUN_STAGE = """
import runpy, stages, sys
from torchvision import models
url, stage = sys.argv[1:3]
models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1.value.url = url
del sys.argv[1:3]
runpy.run_module(f"stages.{stage}", run_name="__main__")
"""
"""A stage as `python -m` runs it, but with another address of the weights."""


def random_network() -> torch.nn.Module:
    """Random weights, and batch normalisations that have seen noise: else signals would fade on their way."""
    from torchvision import models

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = models.shufflenet_v2_x0_5()
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        network(torch.randn(32, 3, 64, 64))
        return network.eval()


def under_its_checksum(file: Path) -> Path:
    """The file renamed as torchvision names those that it publishes."""
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    return file.rename(file.with_name(f"shufflenet-{checksum}.pth"))


def save_as_published(folder: Path, content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(content, folder / "content")
    return under_its_checksum(folder / "content")


def publish(monkeypatch, url: str) -> None:
    """Let torchvision say, in this process, that the weights are at another address."""
    from torchvision import models

    monkeypatch.setattr(models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1.value, "url", url)


def run_stage(checkout: Path, url: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a stage in a checkout: its name and arguments."""
    return subprocess.run(
        [warm.python(), "-c", RUN_STAGE, url, *arguments],
        cwd=checkout,
        env=warm.warmed(os.environ | environment),
        capture_output=True,
        text=True,
        check=False,
    )
