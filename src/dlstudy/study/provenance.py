"""Where the results come from: checksums of the raw data, versions of the packages."""

import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pandas as pd

from dlstudy.core.errors import StudyError

REPORTED: Final = (
    *("torch", "torchvision", "dvc", "pandas", "matplotlib", "numpy"),
    *("scipy", "scikit-learn", "joblib", "pydantic", "ruamel-yaml", "jinja2"),
)
"""The packages whose versions a result may depend on."""


def read_lock(path: Path) -> dict[str, str]:
    """The locked version of each reported package, from lines `name==version ; marker`."""
    versions = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    if lacking := [name for name in REPORTED if name not in versions]:
        raise StudyError(f"{path}: expected a locked version of {', '.join(lacking)}, found none")
    return {name: versions[name] for name in REPORTED}


def versions(lock: Path, installed: Callable[[str], str] = version) -> pd.DataFrame:
    """For each reported package the version that is locked and the one that runs, without its build ("+cpu")."""
    rows = [(name, locked, installed(name).partition("+")[0]) for name, locked in read_lock(lock).items()]
    return pd.DataFrame(rows, columns=["package", "locked", "ran"])
