"""Find what DVC keeps here, in data/, models/ and its cache, that is not what dvc.lock or its name in the cache says.

DVC trusts a file whose time stamp has not changed, and its cache altogether: a flipped bit is found here only.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tools.checkout import ROOT
from tools.comparison import is_bulk, locked_outputs

CACHE: Final = Path(".dvc/cache/files/md5")
NOT_DATA: Final = {".gitignore", ".DS_Store"}  # as .dvcignore has them


def checksum(path: Path) -> str:
    """The MD5 of a file or folder, as dvc.lock has it.

    Of a folder it is that of DVC's listing, JSON of each file's MD5 and relative path, with .dir at its end.
    """
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name not in NOT_DATA)
    listing = [{"md5": checksum(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    listing.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def altered(root: Path, outputs: Mapping[str, str]) -> list[str]:
    """The outputs in data/ and models/ that are there and are not what their checksum says."""
    there = (path for path in outputs if is_bulk(path) and _holds_something(root / path))
    return [path for path in there if checksum(root / path) != outputs[path]]


def _holds_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def damaged(cache: Path) -> Iterable[Path]:
    """The files of DVC's cache whose content is not what they are named after."""
    for path in sorted(cache.glob("??/*")):
        if checksum(path) != path.parent.name + path.name.removesuffix(".dir"):
            yield path


def main() -> int:
    found = [
        f"{path.relative_to(ROOT)}: expected the content that it is named after, found another; "
        "delete it, then run `dvc repro`"
        for path in damaged(ROOT / CACHE)
    ]
    found += [
        f"{name}: expected the content noted in dvc.lock, found another; delete it, then run `dvc checkout {name}`"
        for name in altered(ROOT, locked_outputs(ROOT / "dvc.lock"))
    ]
    print("\n".join(found or ["What is in data/, models/ and DVC's cache is whole."]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
