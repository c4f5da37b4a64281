"""Speed, measured against other ways of doing the same work: `python -m bench`, from the repository root.

Importing this package puts the checkout's own `src` first on the module path, as `stages` does; unlike `stages` it
leaves the arithmetic alone, because each way is measured in processes whose environment is made for it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
