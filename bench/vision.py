"""ResNet-18 as the study trains it, and by a plain loop over the same images with torchvision's network as it comes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import models, transforms

from bench.setting import PREPARED, RAW, image_set_name, vision_params
from bench.textbook import read_images, train_epoch
from dlstudy.core.base.dataset import load_dataset
from dlstudy.vision.loop import Training
from dlstudy.vision.params import VisionParams


def load_ours() -> Callable[[int], None]:
    """A function that trains one epoch on the first so many images, as stage vision@resnet18 does."""
    params, dataset = vision_params(), load_dataset(PREPARED)
    training = Training.begin(dataset, params, seed=0)
    training.network.train()

    def epoch(num_images: int) -> None:
        for rows in torch.randperm(num_images).split(params.batch_size):
            training.take_step(rows)

    return epoch


def load_plain(num_workers: int) -> Callable[[int], None]:
    """The same by a DataLoader, transforms of each image, and the optimiser of the parameters, as tutorials have it."""
    params, images = vision_params(), read_images(RAW, image_set_name())
    images.transform = transforms.Compose(
        [transforms.Resize(params.resolution), transforms.Grayscale(3), transforms.ToTensor()]
    )
    network = plain_network(params, len(images.classes))
    optimizer = plain_optimizer(network, params)

    def epoch(num_images: int) -> None:
        subset = Subset(images, range(num_images))
        loader = DataLoader(subset, batch_size=params.batch_size, shuffle=True, num_workers=num_workers)
        train_epoch(network, loader, optimizer)

    return epoch


def plain_network(params: VisionParams, num_classes: int) -> nn.Module:
    """(batch, 3, resolution, resolution) -> (batch, classes)."""
    network: nn.Module = models.get_model(params.builder, weights=None, num_classes=num_classes)
    return network


def plain_optimizer(network: nn.Module, params: VisionParams) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {"lr": params.lr, "weight_decay": params.weight_decay}
    if params.optimiser == "adam":
        return torch.optim.AdamW(network.parameters(), betas=(params.momentum, 0.999), **settings)
    return torch.optim.SGD(network.parameters(), momentum=params.momentum, nesterov=params.momentum > 0, **settings)
