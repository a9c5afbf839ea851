"""Writes the page that lists every scenario: ``docs/generated/scenarios.md``."""

import re

from tests.scenarios.script import FOLDER, Script, load, names

PAGE = FOLDER.parents[1] / "docs" / "generated" / "scenarios.md"

_HEAD = """\
# Scenarios

Whole stories, played on the [lab](../guide/lab.md) in virtual time with the real engine and a real database. Each
folder of `tests/scenarios` holds the hosts and VMs (`fleet.toml`), what people, hosts, Slack and the bot itself do
(`script.toml`), and how it goes (`transcript.txt`): what was done (`>>`), what the bot says (`card`, `line`,
`broadcast`, `page`, `direct`), what only its history notes (`-`), and how the hosts really are in the end. Limits,
single starts, folders, reasons and words are not left to the transcripts: they are looked at in every scenario.

`pytest tests/scenarios` plays them all. With `--update-transcripts` it writes the transcripts and this page anew: read
what changed, then commit it.
"""
_WEAKNESSES = """\
## What its predecessor gets wrong

One for each weakness of the PowerShell module that went before: what happens there, and what happens here.

| Scenario | There | Here |
|---|---|---|
"""
_ABILITIES = """\
## What the engine does

| Scenario | What it shows |
|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    scripts = [load(name) for name in names()]
    weaknesses = [
        f"| {_link(script)} | It {_cell(script.predecessor)} | {_cell(script.about)} |"
        for script in scripts
        if script.predecessor
    ]
    abilities = [f"| {_link(script)} | {_cell(script.about)} |" for script in scripts if not script.predecessor]
    return f"{_HEAD}\n{_WEAKNESSES}" + "\n".join(weaknesses) + f"\n\n{_ABILITIES}" + "\n".join(abilities) + "\n"


def _link(script: Script) -> str:
    return f"[{script.name}](../../tests/scenarios/{script.name}/transcript.txt)"


def _cell(text: str) -> str:
    return re.sub(r"([|*_`])", r"\\\1", text.strip())
