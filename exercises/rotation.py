"""What is left of images after a full turn in several steps: `python -m exercises.rotation`, after `make repro`."""

from pathlib import Path

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import rotate

import stages  # noqa: F401 - puts this checkout's src on the module path
from dlstudy.core.base.dataset import load_dataset

images = load_dataset(Path("data/prepared/images.pt")).validation.features[:1000].float()  # (images, 28, 28)
for steps in (4, 8, 24):
    turned = images
    for _ in range(steps):
        turned = rotate(turned, 360 / steps, interpolation=InterpolationMode.BILINEAR)
    print(f"{steps} steps: {torch.mean((turned - images).abs()).item()}")
