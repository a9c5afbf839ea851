"""Puts into words what is wrong with a settings file or the environment, and what was probably meant."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from pydantic import BaseModel
from pydantic_core import ErrorDetails

PREFIX = "MIGRATE_BOT_"

Sections = Mapping[str, Collection[str]]
"""The keys of each section; a section of named ones, such as the hosts, has those of each of them."""

_KINDS = {
    "missing": "is missing",
    "tuple_type": 'must be a list, such as ["U0ALICE", "S0ONCALL"]',
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be the path of a file, in quotes",
    "dict_type": "must be a section",
    "model_type": "must be a section",
    "model_attributes_type": "must be a section",
    "literal_error": "must be one of {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} at the most",
}
"""What pydantic finds, by its name for it (docs.pydantic.dev, "Validation Errors")."""


def keys_of(settings: type[BaseModel], **named: type[BaseModel]) -> Sections:
    """Return the keys of every section; of what people name, such as hosts, those of each; of their numbers, none."""
    models = {name: getattr(field.annotation, "model_fields", None) for name, field in settings.model_fields.items()}
    keys = {name: tuple(fields) for name, fields in models.items() if fields is not None}
    return keys | {name: tuple(each.model_fields) for name, each in named.items()} | {"errors": ()}


def mistake(error: ErrorDetails, sections: Sections) -> str:
    """Say one mistake of a settings file: which key, what is wrong, what was probably meant. Never its value."""
    place = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return _unknown(place, sections)
    words = _KINDS.get(error["type"])
    text = words.format(**error.get("ctx", {})) if words else error["msg"].removeprefix("Value error, ")
    return (f"[{'.'.join(place)}] " if place else "") + text


def _unknown(place: list[str], sections: Sections) -> str:
    *above, name = place
    if not above:
        return f"There is no section [{name}]. {_meant(name, sections)}"
    if "password" in name or "token" in name or "secret" in name:
        hint = "A secret never stands in the settings: it comes from the environment, or from a file."
        return f"[{'.'.join(above)}] has no key {name}. {hint}"
    return f"[{'.'.join(above)}] has no key {name}. {_meant(name, sections.get(above[0], ()))}"


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.casefold(), list(known), n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."


def stray_variables(names: Iterable[str], sections: Sections, others: Collection[str]) -> list[str]:
    """Name environment variables that look like settings and are none: a typo must not pass in silence.

    ``others``: what can be set besides sections. Each comes with what was probably meant.
    """
    right = {f"{PREFIX}{section}__{key}".upper() for section, keys in sections.items() for key in keys}
    return [_with_hint(name, right) for name in sorted(map(str.upper, names)) if _is_stray(name, sections, others)]


def _is_stray(name: str, sections: Sections, others: Collection[str]) -> bool:
    rest = name.removeprefix(PREFIX).casefold()
    if rest == name.casefold() or rest in {*sections, *others}:
        return False
    section, is_of_one, _ = rest.partition("__")
    if is_of_one:
        return section not in {*sections, *others}
    return any(rest.startswith(section) for section in sections)


def _with_hint(name: str, right: Collection[str]) -> str:
    near = get_close_matches(name, right, n=1)
    return f"{name} (did you mean {near[0]}?)" if near else name
