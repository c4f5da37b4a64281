"""Draw galleries of the images and of what models make of them: `python -m stages.galleries`."""

from pathlib import Path

from dlstudy.core.base.dataset import load_dataset
from dlstudy.figures.galleries import galleries
from dlstudy.figures.style import draw
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

if __name__ == "__main__":
    results, dataset = Results(Path(), load_study()), load_dataset(Path("data/prepared/images.pt"))
    draw(Path("reports/galleries"), galleries(results, dataset, Path("models")))
