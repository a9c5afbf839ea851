"""Compares CLIXML by its form: tags, names, types, ToString, error ids, categories, states; values are the fleet's.

What is no difference: the order between streams, the order of properties (reflection tells them as it likes), the
assembly behind a type name, and the words in which PowerShell 7 is known to differ from 5.1.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from tests.recordings.cases import Message

_ASSEMBLY = re.compile(r", (?:System\.Private\.CoreLib|mscorlib), Version=[^\]]+")
_COMPARED = re.compile(
    r"FullyQualifiedErrorId|ErrorCategory_.*|ErrorId|Parameter(?:Name|Type)|TypeSpecified|PipelineState|RunspaceState|"
    r"MyCommand|InvocationName|CommandInfo_Name|CommandName|SerializeExtendedInfo"
)
_WORDED = {
    "as a name of a cmdlet": "as the name of a cmdlet",
    "executable program.\nCheck": "operable program. Check",
}
"""PowerShell 7's words, and Windows PowerShell 5.1's. Known from both."""


def differences(recorded: Sequence[Message], played: Sequence[Message]) -> list[str]:
    """Return what differs between two sequences of messages, in words; nothing is agreement."""
    left, right = _distinct(_by_stream(recorded)), _distinct(_by_stream(played))
    if [kind for kind, _ in left] != [kind for kind, _ in right]:
        return [f"messages {_names(left)} became {_names(right)}"]
    found: list[str] = []
    for (kind, one), (_, other) in zip(left, right, strict=True):
        found += [f"{kind}{line}" for line in _compare(one, other, "")]
    return found


def _names(messages: Iterable[tuple[str, Any]]) -> str:
    return ", ".join(kind for kind, _ in messages) or "none"


def _by_stream(messages: Sequence[Message]) -> list[Message]:
    """Return messages by their streams: each keeps its own order, and none waits for another."""
    return sorted(messages, key=lambda message: (message.type == "PIPELINE_STATE", message.type))


def _distinct(messages: Sequence[Message]) -> list[tuple[str, Any]]:
    """Return the forms; of equal ones in a row, one: how many there are is the fleet's matter."""
    forms: list[tuple[str, Any]] = []
    for message in messages:
        form = (message.type, form_of(message.xml))
        if not forms or forms[-1] != form:
            forms.append(form)
    return forms


def form_of(xml: str) -> Any:
    """Return a message's tree without what is a matter of values."""
    root = ET.fromstring(xml)  # noqa: S314  # our own recordings, and our own lab
    types: dict[str, tuple[str, ...]] = {}
    for names in root.iter("TN"):
        types[names.get("RefId", "")] = tuple(_text(name.text) for name in names)
    return _form(root, types)


def _form(element: ET.Element, types: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    name = element.get("N", "")
    form: dict[str, Any] = {"tag": element.tag}
    if len(element) == 0:
        if _COMPARED.fullmatch(name):
            form["is"] = _text(element.text)
        return form
    inner: dict[str, Any] = {}
    items: list[Any] = []
    for child in element:
        _add(child, types, form, inner, items)
    if inner:
        form["has"] = inner
    if items:
        # A hashtable has no order.
        form["items"] = sorted(items, key=repr) if element.tag == "DCT" else items
    return form


def _add(
    child: ET.Element,
    types: dict[str, tuple[str, ...]],
    form: dict[str, Any],
    inner: dict[str, Any],
    items: list[Any],
) -> None:
    """Add one child to the form of its parent: what it says of it, a property, or one more kind of item."""
    if child.tag in {"TN", "TNRef"}:
        form["types"] = types[child.get("RefId", "")]
    elif child.tag == "ToString":
        form["prints"] = _text(child.text)
    elif child.get("N"):
        inner[child.get("N", "")] = _form(child, types)
    elif child.tag in {"Props", "MS"}:
        inner.update(_form(child, types).get("has", {}))
    elif (found := _form(child, types)) not in items:
        items.append(found)


def _text(text: str | None) -> str:
    known = _ASSEMBLY.sub("", _unescaped(text or ""))
    for theirs, ours in _WORDED.items():
        known = known.replace(theirs, ours)
    return known


def _unescaped(text: str) -> str:
    return re.sub(r"_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), text)


def _compare(one: Any, other: Any, where: str) -> list[str]:
    found = [
        f"{where} {key}: {one.get(key)!r} became {other.get(key)!r}"
        for key in ("tag", "types", "prints", "is")
        if one.get(key) != other.get(key)
    ]
    left, right = one.get("has", {}), other.get("has", {})
    found += [f"{where}/{name} is missing" for name in left if name not in right]
    found += [f"{where}/{name} is new" for name in right if name not in left]
    for name in left:
        if name in right:
            found += _compare(left[name], right[name], f"{where}/{name}")
    ours, theirs = one.get("items", []), other.get("items", [])
    if len(ours) != len(theirs):
        return [*found, f"{where} has {len(theirs)} kinds of items, not {len(ours)}"]
    for number, (first, second) in enumerate(zip(ours, theirs, strict=True)):
        found += _compare(first, second, f"{where}[{number}]")
    return found
