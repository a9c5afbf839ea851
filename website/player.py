"""Puts the player of a job's timeline into its page, with its data, in the place of the picture."""

import re
from pathlib import Path

PAGE = "docs/generated/timeline"
_PICTURE = re.compile(r"^!\[[^\]]*\]\(timeline\.png\)$", re.MULTILINE)


def put_into(text: str, root: Path) -> str:
    """Return the page with its player; without scripts it shows the picture.

    Raises:
        ValueError: the page has no picture, or more than one.

    """
    data = (root / "docs/generated/timeline.json").read_text(encoding="utf-8").replace("<", "\\u003c")
    block = (
        '<figure class="timeline-player" hidden></figure>\n'
        f'<script type="application/json" class="timeline-data">\n{data}</script>\n'
        '<script src="../_static/timeline.js" defer></script>\n'
    )
    made, count = _PICTURE.subn(lambda found: f"{block}\n{found[0]}", text)
    if count != 1:
        raise ValueError(f"{PAGE}.md has {count} pictures timeline.png, not one")
    return made
