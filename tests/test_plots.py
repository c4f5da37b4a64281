"""What `dvc plots` draws, in a browser without a network."""

import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from tools.checkout import ROOT
from tools.plots_page import PAGE

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CURVES = "reports/learning_curves.csv"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The file that DVC writes for the curves of all classifiers."""
    folder = tmp_path_factory.mktemp("plots")
    command = [sys.executable, "-m", "dvc", "plots", "show", CURVES, "-o", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "index.html"


def test_the_page_asks_the_network_for_nothing(drawn):
    text = drawn.read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link)[^>]+(?:src|href)=", text) == []
    assert PAGE.stat().st_size < 2_000_000


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: apt-get install chromium")
def test_a_browser_without_network_draws_a_line_for_each_model_in_a_colour_of_its_own(drawn, tmp_path):
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    options += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=30000", "--dump-dom", drawn.as_uri()]
    page = subprocess.run([BROWSER, *options], capture_output=True, text=True, check=True).stdout
    lines = re.findall(r'<g class="mark-line role-mark layer_0_marks".*?</g>', page, flags=re.DOTALL)
    colours = [re.search(r'd="M[^"]+L[^"]+" stroke="([^"]+)"', line)[1] for line in lines]
    models = pd.read_csv(ROOT / CURVES)["model"].unique()
    assert len(colours) == len(set(colours)) == len(models)
    assert [name for name in models if f">{name}</text>" not in page] == []  # each stands in the legend
