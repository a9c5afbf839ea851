"""Which pages the site has, where each stands in it, and what follows what in its contents. Pure.

A page is named as the builder names it: its path in the repository without ``.md``.
"""

import posixpath
import re
from collections.abc import Sequence

HOME = "README"
INCLUDED = ["*.md", "docs/**.md", "deploy/*.md", "benchmarks/*.md", "changes/README.md"]
FIRST = ("docs/guide/README", "docs/reference/README", "docs/generated/README", "docs/architecture", "docs/adr/README")
"""The contents begin with these; what else stands at the top comes after them by name."""
_LINK = re.compile(r"\]\(([^)#\s]+)\.md")


def place(page: str) -> str:
    """Return where a page stands in the site: ``docs`` is its root, and a README the index of its folder."""
    folder, name = posixpath.split(page.removeprefix("docs/"))
    return posixpath.join(folder, "index" if name == "README" else name)


def parent(page: str, pages: Sequence[str]) -> str:
    """Return the page in whose contents another stands: the nearest README above it."""
    folder = posixpath.dirname(page)
    if posixpath.basename(page) == "README":
        folder = posixpath.dirname(folder)
    while folder and f"{folder}/README" not in pages:
        folder = posixpath.dirname(folder)
    return posixpath.join(folder, "README")


def children(page: str, text: str, pages: Sequence[str]) -> list[str]:
    """Return the pages in a page's contents: those it links, in its order, then the others by name."""
    found = sorted(one for one in pages if one not in {page, HOME} and parent(one, pages) == page)
    linked = [posixpath.normpath(posixpath.join(posixpath.dirname(page), one)) for one in _LINK.findall(text)]
    order = [*FIRST, *linked]
    return sorted(found, key=lambda one: (order.index(one) if one in order else len(order), one))


def contents(page: str, text: str, pages: Sequence[str]) -> str:
    """Return what is put below a page's text, so that the builder knows what follows it; nothing for most pages."""
    names = [f"/{one}" for one in children(page, text, pages)]
    return "\n".join(["", "```{toctree}", ":hidden:", "", *names, "```", ""]) if names else ""
