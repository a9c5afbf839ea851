"""Writes one TypeScript file of everything that was recorded, and lets Slack's published types judge it."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_IMPORTS = """\
import type {
  AppHomeOpenedEvent, AppMentionEvent, HomeView, KnownBlock, MessageMetadata, ModalView,
} from '@slack/types';
import type {
  BlockAction, BlockOptions, BlockSuggestion, EnvelopedEvent, GlobalShortcut, RespondArguments, SlashCommand,
  ViewClosedAction, ViewResponseAction, ViewSubmitAction,
} from '@slack/bolt';

type Metadata = MessageMetadata | Record<string, never>;
// What the lab sends may have more keys than the types know, and must have all they ask for.
function fits<T>() { return <U extends T>(payload: U): U => payload; }
"""

_OPTIONS = {
    "compilerOptions": {
        "noEmit": True,
        "strict": True,
        "skipLibCheck": True,
        "types": [],
        "target": "es2022",
        "module": "node16",
        "moduleResolution": "node16",
    },
    "files": ["payloads.ts"],
}
# Slack sends null for these, as its pages show; its types say that they are left out.
_NULL = frozenset({"enterprise", "context_enterprise_id"})
_DELIVERIES = {
    "slash_commands": "SlashCommand",
    "block_actions": "BlockAction",
    "block_suggestion": "BlockSuggestion",
    "shortcut": "GlobalShortcut",
    "view_submission": "ViewSubmitAction",
    "view_closed": "ViewClosedAction",
    "app_mention": "EnvelopedEvent<AppMentionEvent>",
    "app_home_opened": "EnvelopedEvent<AppHomeOpenedEvent>",
}
_ANSWERS = {
    "slash_commands": "RespondArguments",
    "response_url": "RespondArguments",
    "view_submission": "ViewResponseAction",
    "block_suggestion": "BlockOptions",
}


@dataclass(frozen=True, slots=True)
class Payload:
    """One shape that went through the lab: a call, a delivery or an answer."""

    what: str
    name: str
    payload: Any


def read_record(folder: Path) -> list[Payload]:
    """Read what every process of a test run wrote down, each payload once."""
    lines = {line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()}
    return [Payload(**json.loads(line)) for line in sorted(lines)]


def statements(payloads: Iterable[Payload]) -> Iterator[tuple[Payload, str]]:
    """Write each payload as a statement of one line; what has no published type has none."""
    for one in payloads:
        made = _of_call(one.payload) if one.what == "call" else _typed(one)
        for statement in made:
            yield one, statement


def _typed(one: Payload) -> Iterator[str]:
    if one.what == "delivery" and one.name in _DELIVERIES:
        # A click in a form or a Home has no message, so nothing to answer by URL; the types forget that.
        in_view = one.name == "block_actions" and one.payload["container"]["type"] == "view"
        sort = "Omit<BlockAction, 'response_url'>" if in_view else _DELIVERIES[one.name]
        yield f"fits<{sort}>()({json.dumps(_without_nulls(one.payload))});"
    if one.what == "answer" and one.name in _ANSWERS:
        yield f"(({json.dumps(one.payload)}) satisfies {_ANSWERS[one.name]});"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: inner for name, inner in value.items() if not (inner is None and name in _NULL)}
        return {name: _without_nulls(inner) for name, inner in kept.items()}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _of_call(arguments: dict[str, Any]) -> Iterator[str]:
    """Judge the structured arguments; the others are told apart by the wire, not by types."""
    if arguments.get("blocks"):
        yield f"(({json.dumps(arguments['blocks'])}) satisfies KnownBlock[]);"
    if arguments.get("view"):
        kind = "HomeView" if arguments["view"].get("type") == "home" else "ModalView"
        yield f"(({json.dumps(arguments['view'])}) satisfies {kind});"
    if arguments.get("metadata"):
        yield f"(({json.dumps(arguments['metadata'])}) satisfies Metadata);"


def judge(payloads: Iterable[Payload], folder: Path) -> tuple[int, list[str]]:
    """Return how many payloads were judged, and what the compiler says against them."""
    written = list(statements(payloads))
    first_line = _IMPORTS.count("\n") + 1
    source = folder / "payloads.ts"
    source.write_text(_IMPORTS + "\n".join(statement for _, statement in written) + "\n", encoding="utf-8")
    compiler = folder.resolve() / "node_modules" / ".bin" / "tsc"
    (folder / "tsconfig.json").write_text(json.dumps(_OPTIONS), encoding="utf-8")
    command = [str(compiler), "--project", "tsconfig.json", "--pretty", "false"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    said = done.stdout.splitlines()
    complaints = []
    for line in said:
        if line.startswith(source.name + "("):
            row = int(line.partition("(")[2].partition(",")[0])
            about = written[row - first_line][0] if row >= first_line else None
            complaints.append(f"{about.what} {about.name}: {line}" if about else line)
        elif complaints:
            complaints[-1] += f"\n{line}"
    if done.returncode and not complaints:
        complaints = said + done.stderr.splitlines()
    return len(written), complaints
