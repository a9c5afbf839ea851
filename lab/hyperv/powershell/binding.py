"""Binds the parameters of a command as PowerShell does: names, aliases, prefixes, positions, sets, pipeline input.

Source: Microsoft docs, about_Parameter_Binding, about_Parameter_Sets; error ids of PowerShell's ParameterBinderStrings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from lab.hyperv.remoting.dotnet_values import ErrorDetail, Int64, NetObject, NoteObject, Thrown, Value, type_name_of
from lab.hyperv.remoting.records import Category

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SMA: Final = "System.Management.Automation"
_BINDING: Final = f"{_SMA}.ParameterBindingException"
_VALIDATION: Final = f"{_SMA}.ParameterBindingValidationException"
_TRANSFORMATION: Final = f"{_SMA}.ParameterBindingArgumentTransformationException"
_COMMON: Final = {
    name.lower(): name
    for name in (
        "ErrorAction",
        "WarningAction",
        "InformationAction",
        "Verbose",
        "Debug",
        "ErrorVariable",
        "WarningVariable",
        "InformationVariable",
        "OutVariable",
        "OutBuffer",
        "PipelineVariable",
    )
} | {"ea": "ErrorAction", "wa": "WarningAction", "infa": "InformationAction", "vb": "Verbose", "db": "Debug"}


class BindingError(Exception):
    """A command's parameters do not fit; `detail` is the error record."""

    def __init__(self, detail: ErrorDetail) -> None:
        super().__init__(detail.message)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ParameterType:
    """A .NET type a parameter takes: `accepts` says whether a value already is one, `convert` makes one or raises."""

    name: str
    accepts: Callable[[Value], bool]
    convert: Callable[[Value], Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a cmdlet; without `sets` it belongs to all of them."""

    name: str
    type: ParameterType
    aliases: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    is_mandatory: bool = False
    position: int | None = None
    by_value: bool = False
    by_property: bool = False

    def belongs_to(self, set_name: str) -> bool:
        return not self.sets or set_name in self.sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """What a cmdlet takes. `class_name` ends the error ids, e.g. `Microsoft.HyperV.PowerShell.Commands.MoveVM`.

    A role's function around a cmdlet binds under its own name; what goes wrong inside is told by the cmdlet, `inner`.
    """

    command: str
    class_name: str
    inner: Syntax | None = None
    parameters: tuple[Parameter, ...] = ()
    sets: tuple[str, ...] = ("__AllParameterSets",)
    default_set: str | None = None

    def error(
        self,
        error_id: str,
        message: str,
        category: Category = Category.InvalidArgument,
        exception: str = _BINDING,
        target: Value = None,
        *,
        about: Parameter | str | None = None,
        specified: str | None = None,
        cause: Thrown | None = None,
    ) -> BindingError:
        """Return an error of the binder; `specified` is the type of the value that a parameter was given."""
        own = (
            ("ParameterName", about.name if isinstance(about, Parameter) else about),
            ("ParameterType", about.type.name if isinstance(about, Parameter) else None),
            ("TypeSpecified", specified),
            ("ErrorId", error_id),
            ("Line", Int64(0)),
            ("Offset", Int64(0)),
            ("CommandInvocation", "System.Management.Automation.InvocationInfo"),
        )
        fqid = f"{error_id},{self.class_name}"
        thrown = Thrown(exception, message, own, cause)
        return BindingError(
            ErrorDetail(
                message, fqid, category, exception_type=exception, target=target, activity=self.command, thrown=thrown
            )
        )

    @property
    def is_function(self) -> bool:
        """Whether errors call it by its name and no class: the mark of a function."""
        return self.class_name == self.command


@dataclass(slots=True)
class Bound:
    """Bound parameters by their proper names, and the sets that are still possible."""

    syntax: Syntax
    values: dict[str, Value] = field(default_factory=dict)
    common: dict[str, Value] = field(default_factory=dict)
    sets: tuple[str, ...] = ()

    @property
    def set_name(self) -> str:
        return self.sets[0]

    def get(self, name: str, default: Value = None) -> Value:
        return self.values.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self.values


def bind(syntax: Syntax, arguments: Sequence[tuple[str | None, Value]], *, has_input: bool) -> Bound:
    """Bind what the command line gives; pipeline input may still add to it. Raises `BindingError`."""
    bound = Bound(syntax, sets=syntax.sets)
    positional = [value for name, value in arguments if name is None]
    for name, value in arguments:
        if name is not None:
            _bind_named(bound, name.lstrip("-").rstrip(":"), value)
    _narrow(bound)
    _bind_positions(bound, positional)
    if not has_input:
        return resolve(bound)
    return bound


def bind_input(bound: Bound, item: Value) -> Bound:
    """Return a new binding that also holds one object from the pipeline. Raises `BindingError`."""
    candidates = [p for p in bound.syntax.parameters if p.name not in bound and _is_possible(bound, p)]
    for is_exact in (True, False):
        for parameter in candidates:
            if parameter.by_value and (value := _try(parameter, item, is_exact=is_exact)) is not None:
                return _with(bound, {parameter.name: value})
        if isinstance(item, NetObject | NoteObject):
            found: dict[str, Value] = {}
            for parameter in candidates:
                source = next((n for n in (parameter.name, *parameter.aliases) if item.has(n)), None)
                if parameter.by_property and source is not None:
                    value = _try(parameter, item.get(source), is_exact=is_exact)
                    if value is not None:
                        found[parameter.name] = value
            if found:
                return _with(bound, found)
    message = (
        "The input object cannot be bound to any parameters for the command either because the command does not take "
        "pipeline input or the input and its properties do not match any of the parameters that take pipeline input."
    )
    raise bound.syntax.error("InputObjectNotBound", message, Category.InvalidArgument, target=item)


def _with(bound: Bound, values: dict[str, Value]) -> Bound:
    # Of several sets that the values could mean, only one can take them all; by name the first declared wins.
    result = Bound(bound.syntax, {**bound.values}, bound.common, bound.sets)
    for name, value in values.items():
        parameter = next(p for p in bound.syntax.parameters if p.name == name)
        if _is_possible(result, parameter):
            result.values[name] = value
            _narrow(result)
    return resolve(result)


def resolve(bound: Bound) -> Bound:
    """Settle on one parameter set and check what is mandatory in it. Raises `BindingError`."""
    complete = [name for name in bound.sets if not _missing(bound, name)]
    default = bound.syntax.default_set
    if len(complete) > 1 and default in complete:
        complete = [default]
    if len(complete) == 1:
        bound.sets = (complete[0],)
        return bound
    if complete:
        raise _ambiguous(bound.syntax)
    chosen = default if default in bound.sets else bound.sets[0]
    if len(bound.sets) > 1 and default not in bound.sets:
        raise _ambiguous(bound.syntax)
    missing = " ".join(_missing(bound, chosen))
    message = f"Cannot process command because of one or more missing mandatory parameters: {missing}."
    raise bound.syntax.error("MissingMandatoryParameter", message, about=f" {missing}")


def _missing(bound: Bound, set_name: str) -> list[str]:
    parameters = bound.syntax.parameters
    return [p.name for p in parameters if p.is_mandatory and p.belongs_to(set_name) and p.name not in bound]


def _ambiguous(syntax: Syntax) -> BindingError:
    message = (
        "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued cannot "
        "be used together or an insufficient number of parameters were provided."
    )
    return syntax.error("AmbiguousParameterSet", message)


def invalid_argument(syntax: Syntax, parameter: str, why: str) -> BindingError:
    """Return the error of a value that a validation attribute does not take; `why` follows the parameter's name."""
    message = f"Cannot validate argument on parameter '{parameter}'. {why}"
    about = next((p for p in syntax.parameters if p.name == parameter), parameter)
    specified = about.type.name if isinstance(about, Parameter) else None
    cause = Thrown(f"{_SMA}.ValidationMetadataException", why)
    return syntax.error(
        "ParameterArgumentValidationError",
        message,
        Category.InvalidData,
        _VALIDATION,
        about=about,
        specified=specified,
        cause=cause,
    )


def outside_set(syntax: Syntax, parameter: str, value: str, allowed: Sequence[str]) -> BindingError:
    """Return the error of a value that a ValidateSet attribute does not list."""
    why = (
        f'The argument "{value}" does not belong to the set "{",".join(allowed)}" specified by the ValidateSet '
        "attribute. Supply an argument that is in the set and then try the command again."
    )
    return invalid_argument(syntax, parameter, why)


def against_pattern(syntax: Syntax, parameter: str, value: str, pattern: str) -> BindingError:
    """Return the error of a value that a ValidatePattern attribute does not match."""
    why = (
        f'The argument "{value}" does not match the "{pattern}" pattern. Supply an argument that matches "{pattern}" '
        "and try the command again."
    )
    return invalid_argument(syntax, parameter, why)


def _bind_named(bound: Bound, name: str, value: Value) -> None:
    syntax = bound.syntax
    if (common := _COMMON.get(name.lower())) is not None:
        bound.common[common] = value
        return
    parameter = _find(syntax, name, value)
    if parameter.name in bound:
        message = (
            f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once. To provide "
            "multiple values to parameters that can accept multiple values, use the array syntax."
        )
        raise syntax.error("ParameterAlreadyBound", message)
    bound.values[parameter.name] = _convert(syntax, parameter, value)


def _find(syntax: Syntax, name: str, value: Value) -> Parameter:
    wanted = name.lower()
    for parameter in syntax.parameters:
        if wanted in (parameter.name.lower(), *(alias.lower() for alias in parameter.aliases)):
            return parameter
    started = [p for p in syntax.parameters if p.name.lower().startswith(wanted)] if wanted else []
    if len(started) == 1:
        return started[0]
    if started:
        candidates = " ".join(f"-{p.name}" for p in started)
        message = (
            f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. Possible matches "
            f"include: {candidates}."
        )
        raise syntax.error("AmbiguousParameter", message)
    message = f"A parameter cannot be found that matches parameter name '{name}'."
    raise syntax.error("NamedParameterNotFound", message, about=name, specified=_type_of(value))


def _narrow(bound: Bound) -> None:
    parameters = [p for p in bound.syntax.parameters if p.name in bound]
    bound.sets = tuple(name for name in bound.sets if all(p.belongs_to(name) for p in parameters))
    if not bound.sets:
        raise _ambiguous(bound.syntax)


def _bind_positions(bound: Bound, values: list[Value]) -> None:
    for value in values:
        free = [p for p in bound.syntax.parameters if p.position is not None and p.name not in bound]
        free = sorted((p for p in free if _is_possible(bound, p)), key=lambda p: p.position or 0)
        default = [p for p in free if bound.syntax.default_set and p.belongs_to(bound.syntax.default_set)]
        if not free:
            message = f"A positional parameter cannot be found that accepts argument '{value}'."
            raise bound.syntax.error("PositionalParameterNotFound", message)
        first = [p for p in free if p.position == free[0].position]
        fitting = [p for p in first if p.type.accepts(value)] or [p for p in default if p in first] or first
        bound.values[fitting[0].name] = _convert(bound.syntax, fitting[0], value)
        _narrow(bound)


def _is_possible(bound: Bound, parameter: Parameter) -> bool:
    return any(parameter.belongs_to(name) for name in bound.sets)


def _try(parameter: Parameter, value: Value, *, is_exact: bool) -> Value:
    if is_exact:
        return parameter.type.convert(value) if parameter.type.accepts(value) else None
    try:
        return parameter.type.convert(value)
    except (ValueError, TypeError):
        return None


def _convert(syntax: Syntax, parameter: Parameter, value: Value) -> Value:
    if parameter.is_mandatory:
        _refuse_nothing(syntax, parameter, value)
    try:
        return parameter.type.convert(value)
    except (ValueError, TypeError):
        raise _unfit(syntax, parameter, value) from None


def _type_of(value: Value) -> str | None:
    return None if value is None else type_name_of(value)


def _refuse_nothing(syntax: Syntax, parameter: Parameter, value: Value) -> None:
    """Refuse null, an empty text and an empty list for what must be given, and null in such a list."""
    kind, specified = parameter.type.name, _type_of(value)
    is_list = kind.endswith("[]")
    if value is None:
        what, error_id = "null", "NullNotAllowed"
    elif is_list and isinstance(value, list | tuple) and not value:
        what, error_id, specified = "an empty array", "EmptyArrayNotAllowed", kind
    elif is_list and isinstance(value, list | tuple) and None in value:
        what, error_id, specified = "null", "NullNotAllowed", None
        parameter = replace(parameter, type=replace(parameter.type, name=kind.removesuffix("[]")))
    elif kind == "System.String" and value == "":
        what, error_id = "an empty string", "EmptyStringNotAllowed"
    else:
        return
    message = f"Cannot bind argument to parameter '{parameter.name}' because it is {what}."
    full_id = f"ParameterArgumentValidationError{error_id}"
    raise syntax.error(full_id, message, Category.InvalidData, _VALIDATION, about=parameter, specified=specified)


def _unfit(syntax: Syntax, parameter: Parameter, value: Value) -> BindingError:
    wanted = parameter.type.name
    kind = _type_of(value) or "null"
    why, cause = f'Cannot convert the "{value}" value of type "{kind}" to type "{wanted}".', None
    if isinstance(value, str) and wanted.endswith(("System.Guid", "System.Guid]")):
        reason = "Unrecognized Guid format."
        why = f'Cannot convert value "{value}" to type "System.Guid". Error: "{reason}"'
        cause = Thrown("System.FormatException", reason)
    cause = Thrown(f"{_SMA}.PSInvalidCastException", why, cause=cause)
    if syntax.is_function:
        message = f"Cannot process argument transformation on parameter '{parameter.name}'. {why}"
        cause = Thrown(f"{_SMA}.ArgumentTransformationMetadataException", why, cause=cause)
        error_id, category, exception = "ParameterArgumentTransformationError", Category.InvalidData, _TRANSFORMATION
    else:
        message = f"Cannot bind parameter '{parameter.name}'. {why}"
        error_id, category, exception = "CannotConvertArgumentNoMessage", Category.InvalidArgument, _BINDING
    return syntax.error(error_id, message, category, exception, about=parameter, specified=kind, cause=cause)
