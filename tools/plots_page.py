"""The page in which `dvc plots` draws, with Vega in it, for use offline: `python -m tools.plots_page FOLDER`.

FOLDER is where `npm install --prefix FOLDER vega@5.33.1 vega-lite@5.23.0 vega-embed@6.29.0` has put the three; the
result, .dvc/plots.html, is in Git, and .dvc/config names it.
"""

import json
import sys
from pathlib import Path
from typing import Final

from dlstudy.core.base.artifacts import write_text
from tools.checkout import ROOT

PAGE: Final = ROOT / ".dvc" / "plots.html"
PACKAGES: Final = ("vega", "vega-lite", "vega-embed")

TEMPLATE: Final = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots of experiments</title>
<style>body { font-family: sans-serif; } body > div { display: inline-block; margin: 12px; }</style>
<!-- LICENCES -->
SCRIPTS
<script>
// SVG in place of a canvas: sharp on every screen, and a test finds its marks.
const embed = vegaEmbed;
vegaEmbed = (element, spec) => embed(element, spec, { renderer: "svg" });
</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def page(packages: Path) -> str:
    """DVC's template, its placeholders in braces, with the scripts and licences of the packages in a folder."""
    scripts = []
    for name in PACKAGES:
        folder = packages / name
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        script = (folder / "build" / f"{name}.min.js").read_text(encoding="utf-8").strip()
        scripts.append(f"<!-- {name} {version} -->\n<script>{script}</script>")
    # Vega has the licence of the other two, without a copy of it; what is bundled with it of D3 has ISC's.
    licence = (packages / "vega-lite" / "LICENSE").read_text(encoding="utf-8").strip()
    bundled = (packages / "d3-array" / "LICENSE").read_text(encoding="utf-8").strip()
    licences = f"<!--\n{', '.join(PACKAGES)}:\n\n{licence}\n\nD3, of which parts are in vega:\n\n{bundled}\n-->"
    return TEMPLATE.replace("<!-- LICENCES -->", licences).replace("SCRIPTS", "\n".join(scripts))


if __name__ == "__main__":
    write_text(PAGE, page(Path(sys.argv[1]) / "node_modules"))
    print(f"{PAGE.relative_to(ROOT)} is written")
