"""Files of tensors, the same bytes for the same values, and no code in them to be run on loading."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dlstudy.core.artifacts import write_bytes
from dlstudy.core.errors import StudyError


def save_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Write a (nested) dict of tensors, names and numbers, whole or not at all.

    By way of a buffer, because torch.save puts the name of the file that it writes into the bytes.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, buffer.getvalue())


def load_tensors(path: Path) -> dict[str, Any]:
    """What `save_tensors` wrote; refuses anything but tensors, names and numbers."""
    if not path.is_file():
        raise StudyError(f"{path}: expected a file of tensors, found none; `dvc repro` makes it")
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content
