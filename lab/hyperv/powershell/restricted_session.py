"""Makes the commands of a restricted session (JEA) from a role file, by the rules PowerShell has for it.

A cmdlet that is named is shown as it is; one described by a table becomes a function of exactly the name in the table,
with the listed parameters only. Sources: Microsoft docs, JEA role capabilities, session configurations; each rule was
tried on a real PowerShell: a module's name in a table makes a function of just that long name, a pattern is always
anchored, a set ignores case, each element of a list is checked, and what does not exist is left out without a word.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import Bound, Parameter, Syntax, against_pattern, outside_set
from lab.hyperv.powershell.cmdlet import Cmdlet, CmdletCall, PipelineFailed
from lab.hyperv.powershell.cmdlets import objects
from lab.hyperv.powershell.data_file import DataFileError, DataValue, ScriptText, Table, read_data_file
from lab.hyperv.powershell.pipeline import CommandTable
from lab.hyperv.remoting.dotnet_values import ErrorDetail, Value
from lab.hyperv.remoting.records import Category

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

_METADATA: Final = (
    "ModuleName",
    "Namespace",
    "OutputType",
    "Count",
    "HelpUri",
    "Name",
    "CommandType",
    "ResolvedCommandName",
    "DefaultParameterSet",
    "CmdletBinding",
    "Parameters",
)
"""What -Property of the Select-Object of every RestrictedRemoteServer session takes."""
_NOT_READ: Final = {
    "guid",
    "author",
    "companyname",
    "copyright",
    "description",
    "modulestoimport",
    "scriptstoprocess",
    "typestoprocess",
    "formatstoprocess",
    "assembliestoload",
    "visibleexternalcommands",
    "visibleproviders",
    "aliasdefinitions",
    "visiblealiases",
    "variabledefinitions",
    "environmentvariables",
}
"""What a role may hold besides; it shows nothing that the lab has."""


class RoleError(Exception):
    """The role file makes no session: PowerShell would refuse it, or fail to start the session."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a table says about one parameter. Of a pattern and a set, the pattern counts."""

    name: str
    values: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def check(self, syntax: Syntax, value: Value) -> None:
        for text in _texts(value):
            if self.pattern is not None:
                if self.pattern.search(text) is None:
                    raise against_pattern(syntax, self.name, text, self.pattern.pattern)
            elif self.values and text.lower() not in {known.lower() for known in self.values}:
                raise outside_set(syntax, self.name, text, self.values)


def restricted(role_text: str, known: Sequence[Cmdlet], functions: Sequence[Cmdlet]) -> CommandTable:
    """Return what a session with this role shows of the host's cmdlets and of its modules' functions.

    Raises:
        RoleError: the file is none that a session starts with.

    """
    try:
        role = read_data_file(role_text)
    except DataFileError as error:
        raise RoleError(str(error)) from None
    for key in role:
        if key.lower() not in _NOT_READ | {"visiblecmdlets", "visiblefunctions", "functiondefinitions"}:
            raise RoleError(f"{key} is no key of a role capability file")
    defined = [*_defined(role), *functions]
    shown = [
        *_visible(role.find("VisibleCmdlets"), known),
        *_visible(role.find("VisibleFunctions"), defined),
        *_shown_too(role.find("VisibleFunctions"), known),
        *(cmdlet for cmdlet in _of_every_session() if not _is_narrowed_again(role, cmdlet)),
    ]
    return CommandTable(tuple({(item.module, item.name, item.is_function): item for item in shown}.values()))


def _of_every_session() -> Iterable[Cmdlet]:
    select = _narrowed(objects.SELECT_OBJECT, "Select-Object", [_Rule("Property", _METADATA), _Rule("InputObject")])
    # What is checked against a set of texts is a text there.
    parameters = tuple(replace(p, type=types.STRINGS) if p.name == "Property" else p for p in select.syntax.parameters)
    yield replace(select, syntax=replace(select.syntax, parameters=parameters))
    listed = [_Rule(name) for name in ("Name", "Module", "CommandType", "ListImported")]
    yield _narrowed(objects.GET_COMMAND, "Get-Command", listed)
    yield from objects.OF_RESTRICTED_SESSION


def _is_narrowed_again(role: Table, cmdlet: Cmdlet) -> bool:
    tables = [item for item in _items(role.find("VisibleCmdlets")) if isinstance(item, Table)]
    return any(str(table.find("Name")).lower() == cmdlet.name.lower() for table in tables)


def _visible(listed: DataValue, known: Sequence[Cmdlet]) -> Iterable[Cmdlet]:
    for item in _items(listed):
        if isinstance(item, Table):
            name, rules = _described(item)
            inner = next((cmdlet for cmdlet in known if cmdlet.goes_by(name)), None)
            if inner is not None:
                yield _narrowed(inner, name, rules)
        elif isinstance(item, str):
            yield from (cmdlet for cmdlet in known if cmdlet.goes_by(item, fnmatch.fnmatchcase))
        else:
            raise RoleError(f"{item!r} is neither the name of a command nor a table about one")


def _shown_too(listed: DataValue, known: Sequence[Cmdlet]) -> Iterable[Cmdlet]:
    """Yield the cmdlets that are shown because a visible function, or what is listed as one, has their name."""
    for item in _items(listed):
        if isinstance(item, str):
            yield from (cmdlet for cmdlet in known if cmdlet.name.lower() == item.lower())


def _described(table: Table) -> tuple[str, list[_Rule]]:
    name, parameters = table.find("Name"), table.find("Parameters")
    if not isinstance(name, str) or parameters is None:
        raise RoleError(f"the table about {name or 'a command'} needs Name and Parameters")
    return name, [_rule(name, item) for item in _items(parameters)]


def _rule(command: str, item: DataValue) -> _Rule:
    name = item.find("Name") if isinstance(item, Table) else None
    if not isinstance(item, Table) or not isinstance(name, str):
        raise RoleError(
            f"each parameter of {command} is a table with Name, and perhaps a ValidateSet or ValidatePattern"
        )
    pattern = item.find("ValidatePattern")
    values = tuple(str(value) for value in _items(item.find("ValidateSet")))
    if pattern is None:
        return _Rule(name, values)
    try:
        # PowerShell wraps it so, and its patterns ignore case.
        return _Rule(name, values, re.compile(f"^({pattern})$", re.IGNORECASE))
    except re.error as error:
        raise RoleError(f"the pattern of {command} -{name} is none: {error}") from None


def _narrowed(inner: Cmdlet, name: str, rules: Sequence[_Rule]) -> Cmdlet:
    """Return the function PowerShell makes around a cmdlet: its own name, and only the listed parameters."""
    by_name = {rule.name.lower(): rule for rule in rules}
    parameters = tuple(item for item in inner.syntax.parameters if item.name.lower() in by_name)

    def validate(bound: Bound) -> None:
        for parameter, value in bound.values.items():
            by_name[parameter.lower()].check(bound.syntax, value)
        if inner.validate is not None:
            inner.validate(bound)

    syntax = replace(
        inner.syntax,
        command=name,
        class_name=name,
        inner=inner.syntax.inner or inner.syntax,
        parameters=parameters,
        sets=_sets_of(inner.syntax, parameters),
    )
    return replace(inner, syntax=syntax, module="", is_function=True, validate=validate)


def _sets_of(syntax: Syntax, parameters: Sequence[Parameter]) -> tuple[str, ...]:
    named = {name for parameter in parameters for name in parameter.sets} | {syntax.default_set}
    return tuple(name for name in syntax.sets if name in named) or syntax.sets


def _defined(role: Table) -> Iterable[Cmdlet]:
    for item in _items(role.find("FunctionDefinitions")):
        if not isinstance(item, Table):
            raise RoleError("FunctionDefinitions holds tables with Name and ScriptBlock")
        name, script = item.find("Name"), item.find("ScriptBlock")
        if not isinstance(name, str) or not isinstance(script, ScriptText):
            raise RoleError("a table of FunctionDefinitions needs a Name and a ScriptBlock")
        syntax = Syntax(command=name, class_name=name)
        yield Cmdlet(syntax=syntax, module="", process=_cannot_run, validate=None, is_function=True)


async def _cannot_run(call: CmdletCall) -> AsyncIterator[Value]:
    text = f"The lab runs no scripts, and {call.bound.syntax.command} is one that a role defines."
    empty: tuple[Value, ...] = ()
    for nothing in empty:
        yield nothing
    raise PipelineFailed(ErrorDetail(text, "LabRunsNoScripts", Category.NotImplemented))


def _texts(value: Value) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _items(value: DataValue) -> list[DataValue]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
