"""Figures do not depend on the environment that they are drawn in."""

import os
import subprocess
import sys
from functools import cache

import pytest

from tests.conftest import ROOT

DRAW = """
from dlstudy.figures.classifiers import Figure
from dlstudy.figures.style import png_bytes, style
import hashlib
with style():
    figure = Figure()
    figure.subplots().plot([1, 2], [3, 1])
    print(hashlib.sha256(png_bytes(figure)).hexdigest())
"""


@cache
def drawn(**variables):
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    run = subprocess.run(
        [sys.executable, "-c", DRAW],
        env=environment | {"PYTHONPATH": str(ROOT / "src")} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    "backend", ["module://matplotlib_inline.backend_inline", pytest.param("tkagg", marks=pytest.mark.slow), "nonsense"]
)
def test_a_backend_that_the_environment_names_changes_no_figure(backend):
    assert drawn(MPLBACKEND=backend) == drawn()
