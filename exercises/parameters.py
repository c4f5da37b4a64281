"""The parameters of three networks of torchvision, all and those of convolutions: `python -m exercises.parameters`."""

import torch
from torch import nn
from torchvision import models

for name in ("alexnet", "vgg11", "resnet18"):
    with torch.device("meta"):  # shapes without memory
        network = models.get_model(name)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    print(f"{name}: {sum(weights.numel() for weights in network.parameters())}")
    print(f"{name} convolutions: {sum(weights.numel() for module in convolutions for weights in module.parameters())}")
