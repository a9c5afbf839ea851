"""Functions of SQL that each database calls otherwise."""

from typing import Any

from sqlalchemy import Float, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement, literal_column
from sqlalchemy.sql.functions import FunctionElement


class _SecondsBetween(FunctionElement[float]):
    """The seconds from one moment to a later one."""

    type = Float()
    inherit_cache = True
    name = "seconds_between"


class _JsonText(FunctionElement[str]):
    """What stands in a column of JSON text at a path of keys, as text; NULL when nothing does."""

    type = Text()
    inherit_cache = True
    name = "json_text"


def seconds_between(begin: Any, end: Any) -> ColumnElement[float]:
    """Return the seconds from one moment to a later one."""
    return _SecondsBetween(begin, end)


def json_text(column: Any, *keys: str) -> ColumnElement[str]:
    """Return what stands in a column of JSON text at a path of keys (letters and underscores), as text."""
    return _JsonText(column, *(literal_column(f"'{key}'") for key in keys))


@compiles(_SecondsBetween)
def _seconds(element: Any, compiler: Any, **_: Any) -> str:
    """SQLite: days since long ago, to less than a millisecond."""
    begin, end = (compiler.process(one) for one in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"


@compiles(_SecondsBetween, "postgresql")
def _seconds_in_postgresql(element: Any, compiler: Any, **_: Any) -> str:
    begin, end = (compiler.process(one) for one in element.clauses)
    return f"EXTRACT(EPOCH FROM ({end}) - ({begin}))"


@compiles(_JsonText)
def _text(element: Any, compiler: Any, **_: Any) -> str:
    column, *keys = (compiler.process(one) for one in element.clauses)
    path = ".".join(key.strip("'") for key in keys)
    return f"json_extract({column}, '$.{path}')"


@compiles(_JsonText, "postgresql")
def _text_in_postgresql(element: Any, compiler: Any, **_: Any) -> str:
    column, *keys = (compiler.process(one) for one in element.clauses)
    return f"(({column})::json #>> '{{{','.join(key.strip(chr(39)) for key in keys)}}}')"
