"""The settings of Sphinx; its sources are the markdown files of the repository as they stand there."""

import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(_ROOT))

from website import pages  # noqa: E402 - the folder above is known only now

project = "migrate-bot"
release = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
html_title = f"migrate-bot {release}"

extensions = ["myst_parser", "website.builder"]
root_doc = pages.HOME
include_patterns = pages.INCLUDED
exclude_patterns = [".*", "build", "tests", "lab", "core", "bot", "website"]

# Pages are read as they are on a forge: no syntax of MyST's own but the fences that `builder` adds.
myst_disable_syntax = ["myst_line_comment", "myst_target", "myst_block_break", "myst_role"]
myst_heading_anchors = 6
myst_fence_as_directive = ["mermaid"]
myst_enable_extensions = ["strikethrough"]

html_theme = "furo"
html_favicon = "assets/favicon.svg"
html_static_path = ["assets"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
# A page shows what people and hosts say, which is not always of a language.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
nitpicky = True
