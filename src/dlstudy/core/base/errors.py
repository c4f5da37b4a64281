"""Errors that a user can mend: the message says all, so that a stage shows no traceback."""

import errno
import sys
from types import TracebackType
from typing import Final

REMEDIES: Final = {  # of what the system refuses, where it does not speak for itself
    errno.ENOSPC: "free some disk space, then start again: what was finished is kept",
    errno.EDQUOT: "free some of your quota, then start again: what was finished is kept",
    errno.EACCES: "allow this user to read and write it (`chmod u+rw`)",
    errno.EROFS: "move the checkout to a disk that can be written",
}


class StudyError(Exception):
    """Bad input; the message names the file or key, what was expected and what was found."""


class SettingError(StudyError, ValueError):
    """An environment variable of the study is not as it should be."""


def show_plainly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """A replacement for sys.excepthook: of an error that a user can mend, the message alone."""
    if message := _plainly(error):
        print(f"error: {message}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def _plainly(error: BaseException) -> str:
    """What a user can do about an error; empty if nothing."""
    if isinstance(error, StudyError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] not in ("dlstudy", "stages"):
        return (
            f"expected the package {error.name}, found none for {sys.executable}; "
            "`source .venv/bin/activate` first, or let `make repro` set up and run everything"
        )
    if isinstance(error, OSError) and error.errno in REMEDIES:
        return f"{error.filename or 'a file'}: {error.strerror}; {REMEDIES[error.errno]}"
    return ""


class DataError(StudyError):
    """A data file is missing, damaged or wrong; the message names it, what was expected, what was found."""


class DivergedError(StudyError, ArithmeticError):
    """A training whose loss stopped being a finite number; the message names what was trained and at which step."""
