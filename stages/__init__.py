"""The pipeline's stages: `python -m stages.<name>`, each a recipe of a few lines.

Importing this package puts the checkout's own `src` first on the module path, so that a copy of the checkout (as
`dvc exp run --temp` makes) runs its own code, and imports what settles the rest. It is the one file on which no stage
depends: a test keeps it as short as this.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import dlstudy.core.base.start  # noqa: F401
