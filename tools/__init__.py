"""What `make` calls, as `python -m tools.<name>` from the repository root; setup_env.py alone is run as a script.

Importing this package puts the checkout's own `src` first on the module path, as `stages` does.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
