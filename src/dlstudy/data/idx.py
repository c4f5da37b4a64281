"""The IDX format of the MNIST family: a big-endian header, then the bytes of one array in row-major order.

Header: two zero bytes, a byte for the type of the elements (8: unsigned byte), a byte for the number of
dimensions, then the size of each dimension as a 32-bit integer. Source: the format's description by the
authors of MNIST.
"""

import math
import struct
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dlstudy.core.errors import DataError

DIMENSIONS: Final = {b"\x00\x00\x08\x01": 1, b"\x00\x00\x08\x03": 3}
"""Number of dimensions by magic number: labels (items,) and images (items, rows, columns), unsigned bytes."""


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array in an IDX1 file (items,) or IDX3 file (items, rows, columns), writable.

    DataError if the file is missing, has another magic number, a truncated header, or more or fewer bytes
    than its dimensions ask for.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: expected an IDX file, found none") from None
    magic = content[:4]
    if magic not in DIMENSIONS:
        known = " or ".join(known.hex() for known in DIMENSIONS)
        raise DataError(f"{path}: expected magic number {known}, found {magic.hex() or 'nothing'}")
    start = 4 + 4 * DIMENSIONS[magic]
    if len(content) < start:
        raise DataError(f"{path}: expected a header of {start} bytes, found {len(content)}")
    shape = struct.unpack(f">{DIMENSIONS[magic]}I", content[4:start])
    if len(content) - start != math.prod(shape):
        size = f"{start} + {' x '.join(map(str, shape))} = {start + math.prod(shape)} bytes"
        raise DataError(f"{path}: expected {size} as its header says, found {len(content)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """The array as an IDX file: what `read_idx` reads."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()
