"""The pipeline in a copy of the checkout, where nothing can happen to the checkout itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from dlstudy.data.image_sets import DATASETS, FolderSet, load_image_set

ROOT: Final = Path(__file__).resolve().parents[1]
NOT_COPIED: Final = shutil.ignore_patterns("tmp", "cache", "config.local", "__pycache__")
NO_GIT: Final = "[core]\n    no_scm = true\n"  # for DVC's config.local
RAW_IMAGES: Final = Path("data/raw/images")


def copy_checkout(target: Path) -> None:
    """Copy what the pipeline runs on, without data, models, environment and history, as a DVC project without Git."""
    for name in ("src", "stages", "datasets", "statements", ".dvc"):
        shutil.copytree(ROOT / name, target / name, ignore=NOT_COPIED)
    (target / "stages/dvc.lock").unlink(missing_ok=True)
    for name in ("dvc.yaml", "params.yaml", "requirements.txt", ".dvcignore"):
        shutil.copy(ROOT / name, target / name)
    (target / ".dvc" / "config.local").write_text(NO_GIT)


def read_params(checkout: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(checkout / "params.yaml")
    return content


def write_params(checkout: Path, params: Mapping[str, Any]) -> None:
    YAML(pure=True).dump(dict(params), checkout / "params.yaml")  # in the order of the mapping


def images_from(folder: Path, params: Mapping[str, Any]) -> dict[str, str]:
    """The environment by which the download takes its images from a folder, unless the user names another."""
    image_set = load_image_set(params["prepare"]["images"]["dataset"], ROOT / DATASETS)
    if isinstance(image_set, FolderSet) or image_set.variable in os.environ or not folder.is_dir():
        return {}
    return {image_set.variable: str(folder)}


def dvc(checkout: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> int:
    """Run a DVC command in a checkout, with this Python for its stages; its exit status."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    everything = os.environ | {"PATH": path} | dict(environment or {})
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=checkout, env=everything, check=False
    ).returncode
