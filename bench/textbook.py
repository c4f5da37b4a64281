"""The textbook's loop: torchvision's data set, ToTensor for every image, a DataLoader, torch.optim.SGD."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from bench.setting import NUM_CLASSES, NUM_PIXELS, RAW, ModelName, image_set_name, model_params
from dlstudy.core.networks import ACTIVATIONS
from dlstudy.core.params import SgdParams


def load(model: ModelName, num_workers: int) -> Callable[[int], None]:
    """A function that trains one epoch on the first so many images."""
    warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores, on purpose
    params, images = model_params(model), read_images(RAW, image_set_name())
    network = build_network(params)
    optimizer = torch.optim.SGD(network.parameters(), lr=params.lr)

    def epoch(num_images: int) -> None:
        subset = Subset(images, range(num_images))
        loader = DataLoader(subset, batch_size=params.batch_size, shuffle=True, num_workers=num_workers)
        train_epoch(network, loader, optimizer)

    return epoch


def read_images(raw: Path, dataset: str) -> Any:
    """The training images as torchvision's class of that name reads them, from raw files put where it looks."""
    with TemporaryDirectory() as root:
        folder = Path(root, dataset, "raw")
        folder.mkdir(parents=True)
        for file in raw.iterdir():
            (folder / file.name).symlink_to(file.resolve())
        return getattr(datasets, dataset)(root, train=True, transform=transforms.ToTensor(), download=False)


def build_network(params: SgdParams) -> nn.Sequential:
    *hidden, last = [nn.Linear(*pair) for pair in pairwise((NUM_PIXELS, *params.hidden, NUM_CLASSES))]
    activation = ACTIVATIONS[str(params.activation)]
    return nn.Sequential(nn.Flatten(), *(module for layer in hidden for module in (layer, activation())), last)


def train_epoch(network: nn.Module, loader: DataLoader[Any], optimizer: torch.optim.Optimizer) -> None:
    """As tutorials have it, less their accuracy and their printing, which would make it slower."""
    loss_function = nn.CrossEntropyLoss()
    network.train()
    for images, classes in loader:
        optimizer.zero_grad()
        loss = loss_function(network(images), classes)
        loss.backward()
        optimizer.step()
