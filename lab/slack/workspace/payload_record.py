"""Writes down what goes through the workspace, each shape once, when LAB_SLACK_PAYLOADS names a folder.

Slack's published types judge the record (``make block-types``): what the app sent, and what the lab itself sends.
"""

import json
import os
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "LAB_SLACK_PAYLOADS"
_KEPT = frozenset({"type", "style", "response_action", "response_type", "event_type"})
"""Words whose value is part of the shape."""
_STRUCTURED = ("blocks", "view", "metadata", "attachments", "files")


class PayloadRecord:
    """The record of this process; nothing is written without the variable."""

    def __init__(self) -> None:
        folder = os.environ.get(FOLDER_VARIABLE, "")
        self._path = Path(folder) / f"{os.getpid()}.jsonl" if folder else None
        self._known: set[str] = set()

    def call(self, method: str, arguments: dict[str, Any]) -> None:
        """Note the arguments of a call that was accepted; what forms carry as text is read."""
        if self._path is not None:
            self._note("call", method, {name: _read(name, value) for name, value in arguments.items()})

    def delivery(self, kind: str, payload: Any) -> None:
        """Note what the app is sent."""
        self._note("delivery", kind, payload)

    def answer(self, kind: str, payload: Any) -> None:
        """Note what the app answers with its acknowledgement, or by a response_url."""
        if payload and not isinstance(payload, str):
            self._note("answer", kind, payload)

    def _note(self, what: str, name: str, payload: Any) -> None:
        if self._path is None:
            return
        shape = json.dumps([what, name, _shape(payload)], sort_keys=True)
        if shape in self._known:
            return
        self._known.add(shape)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "name": name, "payload": payload}) + "\n")


def _read(name: str, value: Any) -> Any:
    return json.loads(value) if name in _STRUCTURED and isinstance(value, str) and value else value


def _shape(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _shape(inner, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return sorted({json.dumps(_shape(inner), sort_keys=True) for inner in value})
    return value if key in _KEPT else type(value).__name__


RECORD = PayloadRecord()
