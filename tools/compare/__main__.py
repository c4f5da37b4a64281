"""Compare this repository's experiments: `make compare` writes reports/experiments.md, which Git ignores."""

import shutil

import stages  # noqa: F401 - puts this checkout's src on the module path
from dlstudy.core.base.artifacts import write_text
from dlstudy.figures.style import draw, style
from tools.checkout import ROOT
from tools.compare.experiments import experiments
from tools.compare.page import curves, lines, page

if __name__ == "__main__":
    found = experiments(ROOT)
    folder = ROOT / "reports" / "experiments"
    shutil.rmtree(folder, ignore_errors=True)
    with style():
        pictures = curves(found) if found else {}
    draw(folder, pictures.items())
    write_text(ROOT / "reports" / "experiments.md", page(found, list(pictures)))
    print("\n".join(lines(found)))
    print(f"reports/experiments.md compares {len(found)} experiment{'' if len(found) == 1 else 's'}")
