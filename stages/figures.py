"""Draw every figure of the reports from the committed results; gather the curves that `dvc plots` draws."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_csv
from dlstudy.figures.study import all_figures
from dlstudy.figures.style import draw
from dlstudy.literature.published import load_published
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

if __name__ == "__main__":
    results = Results(Path(), load_study())
    write_csv(Path("reports/learning_curves.csv"), results.classifier_histories())
    draw(Path("reports/figures"), all_figures(results, load_published()))
