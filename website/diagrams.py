"""The diagrams of the pages as pictures, so that the site needs no script from elsewhere to draw them.

``python -m website.diagrams`` draws those that are missing and removes those of no page. It takes Mermaid from npm into
``build`` and draws in Debian's Chromium; the site itself is built from the pictures that are in the repository.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).parent / "diagrams"
MERMAID = "mermaid@11.17.2"
_FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SVG = re.compile(r"<svg.*</svg>", re.DOTALL)
_PAGE = """<!doctype html><meta charset="utf-8"><script src="mermaid.min.js"></script><body><script>
mermaid.initialize({{startOnLoad: false, theme: "neutral", htmlLabels: false, fontFamily: "system-ui, sans-serif",
  flowchart: {{htmlLabels: false}}, deterministicIds: true}});
mermaid.render("diagram", {text!r}).then(({{svg}}) => {{ document.body.innerHTML = svg; }});
</script>
"""


def picture(text: str) -> Path:
    """Return the file of a diagram's picture: named by the diagram's text, so that a changed one has none yet."""
    return PICTURES / f"{hashlib.sha256(text.strip().encode()).hexdigest()[:12]}.svg"


def diagrams() -> Iterator[str]:
    """Yield the text of every diagram in the pages."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        yield from _FENCE.findall(page.read_text(encoding="utf-8"))


def _draw(text: str, script: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(_PAGE.format(text=text.strip()), encoding="utf-8")
        shutil.copy(script, folder)
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        drawn = subprocess.run(
            ["chromium", *options, page.as_uri()],  # noqa: S607 - as installed
            capture_output=True,
            text=True,
            check=True,
        )
    found = _SVG.search(drawn.stdout)
    if found is None:
        sys.exit(f"Mermaid cannot draw:\n{text}")
    return found[0].replace("<br>", "<br/>") + "\n"


def main() -> None:
    """Draw what is missing, remove what no page has."""
    wanted = {picture(text): text for text in diagrams()}
    missing = {file: text for file, text in wanted.items() if not file.exists()}
    if missing:
        folder = ROOT / "build" / "mermaid"
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", MERMAID]
        subprocess.run(install, check=True)
        PICTURES.mkdir(exist_ok=True)
        for file, text in missing.items():
            drawn = _draw(text, folder / "node_modules" / "mermaid" / "dist" / "mermaid.min.js")
            file.write_text(drawn, encoding="utf-8")
    for file in set(PICTURES.glob("*.svg")) - set(wanted):
        file.unlink()


if __name__ == "__main__":
    main()
