"""Results of single jobs, kept on disk: what was interrupted goes on where it stopped, and what is known is not rerun.

A result is found again only for the same job, data and code: the names of its files are hashes of all that. Comments
and docstrings do not count as code. The folder may be deleted at any time; nothing is lost but time.
"""

import ast
import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch

from dlstudy.core.artifacts import write_text
from dlstudy.tuning.jobs import Job
from dlstudy.tuning.stacks import Images

EXPERIMENTS: Final = Path("data/experiments")
SOURCE: Final = Path(__file__).parents[1]
WHAT_TRAINS: Final = (
    "core/randomness.py",
    "core/dataset.py",
    "core/arithmetic.py",
    "core/kernels.py",
    "training",
    "tuning/products.py",
    "tuning/stacks.py",
)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Memo:
    """A folder of results that were computed from the same data by the same code."""

    folder: Path
    origin: str  # hash of data and code

    @classmethod
    def of(cls, folder: Path, images: Images, *also: str) -> "Memo":
        """The memo of these images in a folder; an absolute path, so that all processes mean the same one.

        `also` names sources below src/dlstudy, files or folders, on which results depend besides what trains.
        """
        digest = hashlib.sha256(code_digest(*also).encode())
        for array in images.arrays:
            digest.update(np.ascontiguousarray(array).data)
        digest.update(f"{images.num_train} {os.environ.get('DLSTUDY_ARITHMETIC')}".encode())
        return cls(folder.absolute(), digest.hexdigest())

    @classmethod
    def of_experiments(cls, images: Images, *also: str) -> "Memo":
        """Likewise, in the folder that all experiments have in common."""
        EXPERIMENTS.mkdir(parents=True, exist_ok=True)
        return cls.of(EXPERIMENTS, images, *also)

    def path(self, purpose: str, job: Job) -> Path:
        """Where the result of a job is kept."""
        identity = hashlib.sha256(f"{self.origin} {purpose} {job.recipe} {job.members}".encode()).hexdigest()
        return self.folder / identity[:2] / f"{identity}.json"


def remembered(function: Callable[[Images, Job], Result], purpose: str, images: Images, memo: Memo, job: Job) -> Result:
    """The result of the job: as it was kept, or computed and then kept. It has to consist of what JSON has."""
    path = memo.path(purpose, job)
    if path.is_file():
        kept: Result = json.loads(path.read_text(encoding="utf-8"))
        return kept
    result = function(images, job)
    if memo.folder.is_dir():  # not so for a worker on a machine that does not share the folder
        write_text(path, json.dumps(result))
    return result


def code_digest(*also: str) -> str:
    """A hash of the code that trains, without comments and docstrings, and of the versions of what it calls."""
    digest = hashlib.sha256(f"{torch.__version__} {np.__version__} {platform.machine()}".encode())
    for path in _sources(*also):
        digest.update(ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode())
    return digest.hexdigest()


def _sources(*also: str) -> Sequence[Path]:
    named = [SOURCE / name for name in (*WHAT_TRAINS, *also)]
    return sorted(path for each in named for path in (each.rglob("*.py") if each.is_dir() else [each]))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            ]
    return tree
