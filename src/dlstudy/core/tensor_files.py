"""Files of tensors, the same bytes for the same values, and no code in them to be run on loading."""

import errno
import io
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from dlstudy.core.artifacts import write_bytes
from dlstudy.core.errors import DataError, StudyError


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
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError, KeyError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that one: its archive ends too soon
            raise
        remedy = f"delete it, then run `dvc checkout {path}` or `dvc repro`"
        raise DataError(f"{path}: expected a file of tensors, found it damaged or something else; {remedy}") from None
    return content
