"""Time the activations, by themselves and in trainings: `python -m stages.activation_cost`. Nothing else should run."""

from pathlib import Path

from dlstudy.artifacts import write_csv
from dlstudy.data.dataset import load_dataset
from dlstudy.experiments.activation_cost import epoch_times, kernel_times
from dlstudy.params.base import load_section
from dlstudy.params.cost import CostParams

FOLDER = Path("timing/activation_cost")

if __name__ == "__main__":
    params = load_section("experiments.activation_cost", CostParams)
    dataset = load_dataset(Path("data/prepared/images.pt"))
    write_csv(FOLDER / "kernels.csv", kernel_times(params))
    write_csv(FOLDER / "epochs.csv", epoch_times(dataset, params))
