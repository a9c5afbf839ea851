"""Writes docs/generated/role.md: the JEA role of deploy/ against every pipeline that the gateway sends.

``python -m tests.docs.role_table > docs/generated/role.md``
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from core.hyperv.pipelines import FUNCTIONS, SELECT, Pipeline
from tests.core.hyperv.test_role import PIPED, SESSION_S_OWN, every_pipeline, role, tables

_HEAD = """# The role and the pipelines

What the bot sends to a host, found in `core/hyperv/pipelines.py` by looking at all of it, and what the role in
`deploy/MigrateBot.psrc` lets by. A parameter that is not sent is not in the role. In a role that `migrate-bot endpoint`
writes, hosts and folders are those of the settings. Written by `python -m tests.docs.role_table`; a test compares them.

| Command | Parameter | What the role takes | What the bot sends | In |
|---|---|---|---|---|"""
_SHOWN = 3


def _stages() -> Iterator[tuple[Pipeline, str, str, list[Any]]]:
    """Yield each parameter that is sent: of which pipeline, to which command, its name and values."""
    for pipeline in every_pipeline():
        for stage in pipeline.stages:
            if not stage.parameters and stage is pipeline.stages[0]:
                yield pipeline, stage.cmdlet, "", []
            for name, value in stage.parameters:
                yield pipeline, stage.cmdlet, name, value if isinstance(value, list) else [value]
        for before, stage in pairwise(pipeline.stages):
            if stage.cmdlet != SELECT:
                yield pipeline, stage.cmdlet, PIPED[before.cmdlet], ["the objects of the command before"]


def _taken(command: str, parameter: str) -> str:
    if command in SESSION_S_OWN:
        return "shown by every restricted session"
    if command in FUNCTIONS:
        return "judged by the function itself"
    if command == SELECT:
        return "anything: it only chooses what is told of an object"
    if not parameter:
        return "the command alone"
    rule = tables()[command][parameter]
    if "ValidatePattern" in rule:
        return _code(str(rule["ValidatePattern"]))
    return (
        ", ".join(map(_code, rule["ValidateSet"]))
        if "ValidateSet" in rule
        else "ids, switches and objects of the host's own"
    )


def _code(text: str) -> str:
    return f"`` {text} ``".replace("|", "\\|")


def _sent(values: list[Any]) -> str:
    if values == [None]:
        return "as a switch"
    shown = list(dict.fromkeys(str(value) for value in values))
    more = f", {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(one if one.startswith("the ") else _code(one) for one in shown[:_SHOWN]) + more


def page() -> str:
    """Return the page."""
    sent: dict[tuple[str, str], list[Any]] = {}
    within: dict[tuple[str, str], dict[str, None]] = {}
    for pipeline, command, parameter, values in _stages():
        sent.setdefault((command, parameter), []).extend(values)
        within.setdefault((command, parameter), {})[pipeline.title] = None
    lines = [_HEAD]
    for command, parameter in sorted(sent):
        titles = ", ".join(one.replace("|", "\\|") for one in within[command, parameter])
        name, shown_values = command.rpartition("\\")[2], _sent(sent[command, parameter])
        cells = (name, parameter, _taken(command, parameter), shown_values, titles)
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    shown = {one["Name"] if isinstance(one, dict) else one for one in role()["VisibleCmdlets"]}
    shown |= {name.rpartition("\\")[2] for name in role()["VisibleFunctions"]}
    used = {command for command, _ in sent} - SESSION_S_OWN
    lines += ["", f"Sent and not in the role: {_list(used - shown)}. In the role and not sent: {_list(shown - used)}."]
    return "\n".join(lines) + "\n"


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


if __name__ == "__main__":
    sys.stdout.write(page())
