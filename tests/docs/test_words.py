"""Promises of docs/reference/errors.md and docs/reference/events.md: every word that people can meet is explained."""

import ast
from enum import StrEnum

import pytest

from core import errors
from core.domain.attempt.error_rules import RULES
from core.domain.model.event_data import EventKind
from core.domain.model.events import TONES, Tone
from core.domain.model.job import JobState
from core.domain.model.move import Fault, HoldCode, MoveState
from core.domain.model.plan import FindingCode, Severity
from tests.support.markdown_pages import ROOT, code, read, section, table

WORDS: dict[str, type[StrEnum]] = {
    "Events": EventKind,
    "Tones": Tone,
    "States of a move": MoveState,
    "States of a job": JobState,
    "Holds": HoldCode,
    "Findings": FindingCode,
    "Severities": Severity,
    "Faults": Fault,
}


_DEPENDS = dict.fromkeys(("held", "adopted", "checked"), "`line` or none")
_DEPENDS |= dict.fromkeys(("stopped", "resumed"), "`line`, `broadcast` or none")
"""Events whose tone is not the same each time."""


@pytest.mark.parametrize("heading", WORDS)
def test_every_word_is_explained(heading: str) -> None:
    """docs/reference/events.md explains exactly the words the program knows, in its order."""
    assert list(table(section(read("docs/reference/events.md"), heading))) == [word.value for word in WORDS[heading]]


def test_the_tone_of_every_event_is_the_real_one() -> None:
    """docs/reference/events.md says of each event how loudly it is told."""
    for kind, cells in table(section(read("docs/reference/events.md"), "Events")).items():
        tone = TONES.get(EventKind(kind))
        said = _DEPENDS.get(kind) or (f"`{tone.value}`" if tone else "none")
        assert cells[0] == said, kind


def _tree(cls: type[errors.MigrateBotError]) -> list[type[errors.MigrateBotError]]:
    return [cls, *(deeper for child in cls.__subclasses__() for deeper in _tree(child))]


def test_every_error_is_explained() -> None:
    """docs/reference/errors.md has every class of the tree, whose problem it is, and whether trying again helps."""
    documented = table(section(read("docs/reference/errors.md"), "Classes"))
    tree = [cls for cls in _tree(errors.MigrateBotError) if cls.__module__ == errors.__name__]
    assert list(documented) == [cls.__name__ for cls in tree]
    for cls in tree:
        assert documented[cls.__name__][:2] == [cls.owner.value, "yes" if cls.retry else "no"], cls


def test_every_diagnosis_is_explained() -> None:
    """docs/reference/errors.md has every rule, with the class the program puts it in."""
    rules = table(section(read("docs/reference/errors.md"), "Rules"))
    documented = {name: code(cells[0]) for name, cells in rules.items()}
    assert documented == {rule.code: rule.fault.value for rule in RULES}


def test_every_code_without_a_rule_is_explained() -> None:
    """docs/reference/errors.md has every code that the program gives to a failure by itself."""
    given: set[str] = set()
    for file in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Diagnosis":
                given |= {str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    assert set(table(section(read("docs/reference/errors.md"), "Codes without a rule"))) == given
