"""A small language to write down the shape of JSON, answering with Slack's own kind of messages."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Say = Callable[[str, str], None]  # (what is wrong, json pointer)
Check = Callable[[Any, str, Say], None]


class Problems:
    """Collects what is wrong, in the words of `response_metadata.messages`."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def __call__(self, what: str, pointer: str) -> None:
        self.messages.append(f"[ERROR] {what} [json-pointer:{pointer}]")


def anything(value: Any, pointer: str, say: Say) -> None:
    """Accept whatever is there."""


def text(maximum: int | None = None, *, minimum: int = 1, pattern: str = "") -> Check:
    def check(value: Any, pointer: str, say: Say) -> None:
        if not isinstance(value, str):
            say("must be a string", pointer)
        elif len(value) < minimum:
            say(f"must be more than {minimum - 1} characters", pointer)
        elif maximum is not None and len(value) > maximum:
            say(f"must be less than {maximum + 1} characters", pointer)
        elif pattern and not re.fullmatch(pattern, value):
            say(f"does not match pattern {pattern}", pointer)

    return check


def boolean(value: Any, pointer: str, say: Say) -> None:
    if not isinstance(value, bool):
        say("must be a boolean", pointer)


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    def check(value: Any, pointer: str, say: Say) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            say("must be an integer", pointer)
        elif minimum is not None and value < minimum:
            say(f"must be at least {minimum}", pointer)
        elif maximum is not None and value > maximum:
            say(f"must be at most {maximum}", pointer)

    return check


def number(value: Any, pointer: str, say: Say) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        say("must be a number", pointer)


def one_of(*allowed: str) -> Check:
    def check(value: Any, pointer: str, say: Say) -> None:
        if value not in allowed:
            say(f"value must be one of: {', '.join(allowed)}", pointer)

    return check


def array(item: Check, maximum: int | None = None, *, minimum: int = 1) -> Check:
    def check(value: Any, pointer: str, say: Say) -> None:
        if not isinstance(value, list):
            say("must be an array", pointer)
            return
        if len(value) < minimum:
            say(f"must contain at least {minimum} item{'s'[: minimum != 1]}", pointer)
        if maximum is not None and len(value) > maximum:
            say(f"no more than {maximum} items allowed", pointer)
        for index, one in enumerate(value):
            item(one, f"{pointer}/{index}", say)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *more: Check) -> Check:
    """Demand exactly these properties; `more` looks at the object as a whole once it is well formed."""
    known = {**(optional or {}), **required}

    def check(value: Any, pointer: str, say: Say) -> None:
        if not isinstance(value, dict):
            say("must be an object", pointer)
            return
        before = Problems()
        for name in required:
            if name not in value:
                before(f"missing required field: {name}", pointer)
                say(f"missing required field: {name}", pointer)
        for name, inner in value.items():
            if name not in known:
                before("", pointer)
                say(f"invalid additional property: {name}", pointer)
            else:

                def both(what: str, where: str) -> None:
                    before(what, where)
                    say(what, where)

                known[name](inner, f"{pointer}/{name}", both)
        if not before.messages:
            for one in more:
                one(value, pointer, say)

    return check


def tagged(kinds: Mapping[str, Check]) -> Check:
    """Let the object's `type` decide about the rest."""

    def check(value: Any, pointer: str, say: Say) -> None:
        if not isinstance(value, dict):
            say("must be an object", pointer)
        elif not isinstance(value.get("type"), str):
            say("missing required field: type", pointer)
        elif value["type"] not in kinds:
            say(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            kinds[value["type"]](value, pointer, say)

    return check


def exactly_one(*names: str) -> Check:
    def check(value: Any, pointer: str, say: Say) -> None:
        if sum(name in value for name in names) != 1:
            say(f"must have exactly one of: {', '.join(names)}", pointer)

    return check


def at_least_one(*names: str) -> Check:
    def check(value: Any, pointer: str, say: Say) -> None:
        if not any(value.get(name) for name in names):
            say(f"must have at least one of: {', '.join(names)}", pointer)

    return check
