"""What all faults of data have in common."""


from dlstudy.errors import StudyError


class DataError(StudyError):
    """A data file is missing, damaged or wrong; the message names it, what was expected, what was found."""
