"""The pipeline's stages: `python -m stages.<name>`, each a recipe of a few lines.

Importing this package puts the checkout's own `src` first on the module path, so that a copy of the checkout (as
`dvc exp run --temp` makes) runs its own code, and settles the arithmetic before any numeric library is imported.
Of an error that a user can mend, a stage then shows the message alone.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from dlstudy.core.arithmetic import settle
from dlstudy.core.errors import show_plainly

sys.excepthook = show_plainly
settle()
