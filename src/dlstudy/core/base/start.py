"""What every stage begins with, by being imported before any numeric library: settled arithmetic, plain errors.

Of an error that a user can mend, a stage shows the message alone.
"""

import sys

from dlstudy.core.base.arithmetic import settle
from dlstudy.core.base.errors import show_plainly

sys.excepthook = show_plainly
settle()
