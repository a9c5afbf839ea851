"""Reads the repository's markdown: files, tables, fenced blocks, links."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_CELL_BREAK = re.compile(r"(?<!\\)\|")


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
    start = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert start, f"no heading {heading!r}"
    level = len(start[1])
    end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(text, start.end())
    return text[start.end() : end.start() if end else len(text)]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row but headings and rules."""
    found: list[list[str]] = []
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for index, line in enumerate(lines):
        follows = lines[index + 1] if index + 1 < len(lines) else ""
        if _is_rule(line) or _is_rule(follows):
            continue
        found.append([cell.strip() for cell in _CELL_BREAK.split(line.strip().strip("|"))])
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
    found = [Block(match[1], match[2]) for match in _FENCE.finditer(text)]
    return [block for block in found if language in {"", block.language}]


def links(text: str) -> Iterator[str]:
    """Yield every link's target, code left out."""
    plain = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    yield from _LINK.findall(plain)


def anchors(text: str) -> set[str]:
    """Return the anchors GitHub gives to headings."""
    titles = (re.sub(r"[`*]", "", title) for title in _HEADING.findall(_FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def _is_rule(line: str) -> bool:
    return bool(line) and not set(line) - set("|-: ")
