"""Reads the repository's markdown: files, tables, fenced blocks, links."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def tracked() -> list[Path]:
    """Every file of the repository: what git knows, and what is new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        ignored = {".git", ".venv", "build", "__pycache__", ".hypothesis"}
        found = (path for path in ROOT.rglob("*") if not ignored & set(path.relative_to(ROOT).parts))
        return sorted(path for path in found if path.is_file())
    return sorted(path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file())


def markdown() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, down to the next one of its level or above."""
    lines = text.splitlines(keepends=True)
    headings = list(_headings(text))
    places = [place for place, (_, title) in enumerate(headings) if title.content == heading]
    assert places, f"no heading {heading!r}"
    opening, _ = headings[places[0]]
    later = (other for other, _ in headings[places[0] + 1 :] if other.tag <= opening.tag)
    end = next(later, None)
    return "".join(lines[_lines(opening)[1] : _lines(end)[0] if end else len(lines)])


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row but headings."""
    found: list[list[str]] = []
    tokens = _tokens(text)
    for token, following in pairwise(tokens):
        if token.type == "td_open":
            found[-1].append(following.content)
        elif token.type == "tr_open" and following.type == "td_open":
            found.append([])
    return found


def table(text: str) -> dict[str, list[str]]:
    """Return a text's table rows by their first cell, which must be code; each name once."""
    found: dict[str, list[str]] = {}
    for first, *others in rows(text):
        name = code(first)
        assert name not in found, f"{name} is there twice"
        assert all(others), f"{name}: an empty cell"
        found[name] = others
    return found


def code(cell: str) -> str:
    """Return the text of a cell that is one piece of code."""
    assert cell.startswith("`"), f"{cell!r} is not code"
    assert cell.endswith("`"), f"{cell!r} is not code"
    return cell.strip("`")


def blocks(text: str, language: str = "") -> list[Block]:
    found = [Block(token.info.strip(), token.content) for token in _tokens(text) if token.type == "fence"]
    return [block for block in found if language in {"", block.language}]


def links(text: str) -> Iterator[str]:
    """Yield every target of a link or picture."""
    for token in _tokens(text):
        for part in token.children or ():
            target = part.attrGet("href" if part.type == "link_open" else "src")
            if part.type in {"link_open", "image"} and isinstance(target, str):
                yield unquote(target)


def anchors(text: str) -> set[str]:
    """Return the anchors GitHub gives to headings; the rule is GitHub's own, so it stands here by hand."""
    titles = ("".join(part.content for part in title.children or ()) for _, title in _headings(text))
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@cache
def _tokens(text: str) -> tuple[Token, ...]:
    return tuple(_PARSER.parse(text))


def _headings(text: str) -> Iterator[tuple[Token, Token]]:
    """Yield each heading's opening and its words."""
    tokens = _tokens(text)
    yield from ((token, tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "heading_open")


def _lines(token: Token) -> tuple[int, int]:
    """Return the first line of a block and the one after its last."""
    assert token.map
    first, after = token.map
    return first, after
