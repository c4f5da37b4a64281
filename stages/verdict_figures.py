"""Draw the figures of the reports that hang on the verdicts."""

from pathlib import Path

from dlstudy.figures.style import save_figure, style
from dlstudy.figures.verdicts import verdict_figures
from dlstudy.study.params import load_study
from dlstudy.study.results import Results

if __name__ == "__main__":
    Path("reports/verdicts").mkdir(parents=True, exist_ok=True)
    with style():
        for name, figure in verdict_figures(Results(Path(), load_study())):
            save_figure(Path(f"reports/verdicts/{name}.png"), figure)
