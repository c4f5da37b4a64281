"""The SHA256SUMS of a raw data set: which files it consists of, and the checksum of each."""

import re
from pathlib import Path
from typing import Final

from dlstudy.core.errors import DataError

CHECKSUM_LINE: Final = re.compile(r"([0-9a-f]{64}) [ *]([^/\s]+)")


def read_checksums(path: Path) -> dict[str, str]:
    """SHA-256 by file name, from a list as `sha256sum` writes it; DataError names file and line at fault."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: expected a list of checksums, found none") from None
    checksums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = CHECKSUM_LINE.fullmatch(line)
        if match is None:
            raise DataError(f"{path}, line {number}: expected '<64 hex digits>  <file name>', found {line!r}")
        if match[2] in checksums:
            raise DataError(f"{path}, line {number}: expected each file once, found {match[2]} again")
        checksums[match[2]] = match[1]
    if not checksums:
        raise DataError(f"{path}: expected at least one line '<64 hex digits>  <file name>', found none")
    return checksums
