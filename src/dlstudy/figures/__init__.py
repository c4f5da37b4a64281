"""Figures of the reports. They are files: whatever backend the environment names for windows plays no part."""

import os

os.environ["MPLBACKEND"] = "agg"  # before Matplotlib is imported, which refuses a backend that it does not find
