"""Draw the figures of the reports that depend on the verdicts."""

from pathlib import Path

from dlstudy.figures.style import draw
from dlstudy.figures.verdicts import verdict_figures
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

if __name__ == "__main__":
    draw(Path("reports/verdicts"), verdict_figures(Results(Path(), load_study())))
