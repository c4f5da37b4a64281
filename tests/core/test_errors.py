"""What a user sees of an error: a sentence where there is something to do, a traceback of a mistake of ours."""

import errno
import subprocess
import sys

import pytest

from dlstudy.core.base.errors import StudyError, show_plainly
from tests.conftest import ROOT


def shown(error, capsys):
    show_plainly(type(error), error, None)
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StudyError("params.yaml: expected a, found b"), "error: params.yaml: expected a, found b\n"),
        (ModuleNotFoundError("No module", name="numpy.linalg"), "expected the package numpy.linalg, found none"),
        (OSError(errno.ENOSPC, "No space left on device", "models/a.pt"), "models/a.pt: No space left on device; free"),
        (PermissionError(errno.EACCES, "Permission denied", "results"), "results: Permission denied; allow this user"),
    ],
)
def test_what_a_user_can_mend_is_a_sentence(error, words, capsys):
    found = shown(error, capsys)
    assert words in found
    assert found.count("\n") == 1


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), ModuleNotFoundError("No module", name="dlstudy.gone"), OSError("x")]
)
def test_a_mistake_of_ours_keeps_its_traceback(error, capsys):
    assert f"{type(error).__name__}: {error}" in shown(error, capsys)


def test_a_python_without_the_packages_is_told_what_to_do():
    """As when .venv is not activated: the packages of this one are hidden from it."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "stages.check_params"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: expected the package ")
    assert f"found none for {sys.executable}; `source .venv/bin/activate` first" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["no_such"], [], ["../run"], ["losses", "census"]])
def test_an_unknown_experiment_is_refused_with_the_list(arguments):
    command = [sys.executable, "-m", "stages.experiment", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "expected one of activation_cost, " in done.stderr
    assert f"found {' '.join(arguments) or 'none'}\n" in done.stderr
    assert "Traceback" not in done.stderr
