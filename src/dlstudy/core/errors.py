"""Errors that a user can mend: the message says all, so that a stage shows no traceback."""

import sys
from types import TracebackType


class StudyError(Exception):
    """Bad input; the message names the file or key, what was expected and what was found."""


class SettingError(StudyError, ValueError):
    """An environment variable of the study is not as it should be."""


def show_plainly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """A replacement for sys.excepthook: of an error that a user can mend, the message alone."""
    if isinstance(error, StudyError):
        print(f"error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


class DataError(StudyError):
    """A data file is missing, damaged or wrong; the message names it, what was expected, what was found."""


class DivergedError(StudyError, ArithmeticError):
    """A training whose loss stopped being a finite number; the message names what was trained and at which step."""
