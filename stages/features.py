"""What a frozen network makes of the images: `python -m stages.features resnet18_frozen`, an entry of `features`."""

import sys
from pathlib import Path

from dlstudy.core.base.dataset import load_dataset, save_dataset
from dlstudy.core.base.params import load_section
from dlstudy.vision.params import FeaturesParams
from dlstudy.vision.pretrained import frozen_features, load_state

if __name__ == "__main__":
    name = sys.argv[1]
    params = load_section(f"features.{name}", FeaturesParams)
    state = load_state(Path(f"data/weights/{params.weights}.pth"), params.weights)
    images = load_dataset(Path("data/prepared/images.pt"))
    save_dataset(Path(f"data/prepared/{name}.pt"), frozen_features(images, params, state, label=name))
