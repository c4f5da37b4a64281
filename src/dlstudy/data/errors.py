"""What all faults of data have in common."""


class DataError(Exception):
    """A data file is missing, damaged or wrong; the message names it, what was expected, what was found."""
