"""scikit-learn's MLPClassifier, by plain SGD: the same network, batches and images, in float32."""

from collections.abc import Callable

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info

from bench.setting import NUM_CLASSES, PREPARED, ModelName, model_params
from dlstudy.core.base.dataset import load_dataset
from dlstudy.core.params import SgdParams


def load(model: ModelName) -> Callable[[int], None]:
    """A function that trains one epoch on the first so many images."""
    params, dataset = model_params(model), load_dataset(PREPARED)
    images = dataset.standardised(dataset.train)
    features, classes = images.features.numpy(), images.targets.numpy()
    network = build_network(params)

    def epoch(num_images: int) -> None:
        network.partial_fit(features[:num_images], classes[:num_images], classes=np.arange(NUM_CLASSES))

    return epoch


def build_network(params: SgdParams) -> MLPClassifier:
    """Without penalty, momentum and early stopping: no more work than ours."""
    return MLPClassifier(
        params.hidden,
        activation=str(params.activation),
        solver="sgd",
        alpha=0.0,
        batch_size=params.batch_size,
        learning_rate_init=params.lr,
        momentum=0.0,
        random_state=0,
    )


def openblas() -> tuple[int, str]:
    """Threads and kernels of the library that multiplies NumPy's matrices."""
    (found,) = (
        each for each in threadpool_info() if each["internal_api"] == "openblas" and "numpy" in each["filepath"]
    )
    return found["num_threads"], found["architecture"]
