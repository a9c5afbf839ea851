"""How parameters find their places, without a wire."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from lab.hyperv.powershell import parameter_types as types
from lab.hyperv.powershell.binding import BindingError, Parameter, Syntax, bind, bind_input
from lab.hyperv.powershell.cmdlets.moves import MOVE_VM
from lab.hyperv.powershell.cmdlets.vms import GET_VM
from lab.hyperv.remoting.dotnet_values import NoteObject

ID = UUID(int=7, version=4)
SYNTAX = Syntax(
    command="Get-Thing",
    class_name="Test.GetThing",
    sets=("ByName", "ById"),
    default_set="ByName",
    parameters=(
        Parameter(
            name="Name", type=types.STRINGS, aliases=("ThingName",), sets=("ByName",), position=0, by_property=True
        ),
        Parameter(name="Id", type=types.GUID, sets=("ById",), position=0, is_mandatory=True, by_value=True),
        Parameter(name="Network", type=types.STRING),
        Parameter(name="Force", type=types.SWITCH),
    ),
)


def refused(arguments: list[tuple[str | None, Any]], syntax: Syntax = SYNTAX, *, has_input: bool = False) -> str:
    with pytest.raises(BindingError) as caught:
        bind(syntax, arguments, has_input=has_input)
    return caught.value.detail.fqid


@pytest.mark.parametrize("name", ["Name", "NAME", "ThingName", "Na", "-Name", "name:"])
def test_names_aliases_and_unambiguous_prefixes_bind(name: str) -> None:
    """Parameter names have no case and may be cut short."""
    assert bind(SYNTAX, [(name, "a")], has_input=False).values == {"Name": ["a"]}


def test_an_ambiguous_prefix_is_refused() -> None:
    """`-N` could be two parameters."""
    assert refused([("N", "a")]) == "AmbiguousParameter,Test.GetThing"


def test_an_unknown_name_is_refused() -> None:
    """The error names the cmdlet's class."""
    assert refused([("Colour", "red")]) == "NamedParameterNotFound,Test.GetThing"


def test_a_name_twice_is_refused() -> None:
    """Also under its alias."""
    assert refused([("Name", "a"), ("ThingName", "b")]) == "ParameterAlreadyBound,Test.GetThing"


def test_two_sets_do_not_mix() -> None:
    """No set has both."""
    assert refused([("Name", "a"), ("Id", ID)]) == "AmbiguousParameterSet,Test.GetThing"


def test_a_mandatory_parameter_must_come() -> None:
    """Move-VM needs a VM and a destination."""
    arguments: list[tuple[str | None, Any]] = [("Name", "web01")]
    assert refused(arguments, MOVE_VM) == "MissingMandatoryParameter,Microsoft.HyperV.PowerShell.Commands.MoveVM"


def test_a_value_that_does_not_convert_is_refused() -> None:
    """A text that is no Guid."""
    assert refused([("Id", "x")]) == "CannotConvertArgumentNoMessage,Test.GetThing"


def test_positions_prefer_the_fitting_type() -> None:
    """Position 0 is the name for a text and the id for a Guid."""
    assert bind(SYNTAX, [(None, "a")], has_input=False).values == {"Name": ["a"]}
    assert bind(SYNTAX, [(None, ID)], has_input=False).set_name == "ById"
    assert refused([(None, "a"), (None, "b")]) == "PositionalParameterNotFound,Test.GetThing"


def test_the_default_set_wins_when_nothing_decides() -> None:
    """Get-VM alone means all names."""
    assert bind(GET_VM, [], has_input=False).set_name == "Name"
    optional = (Parameter(name="A", type=types.STRING, sets=("One",)), Parameter(name="B", type=types.STRING))
    either = Syntax(command="X", class_name="X", sets=("One", "Two"), default_set="Two", parameters=optional)
    assert bind(either, [("B", "b")], has_input=False).set_name == "Two"
    undecided = Syntax(command="X", class_name="X", sets=("One", "Two"), parameters=optional)
    assert refused([("B", "b")], undecided) == "AmbiguousParameterSet,X"


@pytest.mark.parametrize(("value", "expected"), [(None, True), (True, True), (False, False)])
def test_a_switch_without_value_is_on(value: bool | None, expected: bool) -> None:
    """Clients send null for a switch."""
    assert bind(SYNTAX, [("Force", value)], has_input=False).get("Force") is expected


def test_common_parameters_bind_everywhere() -> None:
    """-ErrorAction by name and by alias."""
    for name in ("ErrorAction", "ea"):
        assert bind(SYNTAX, [(name, "Stop")], has_input=False).common == {"ErrorAction": "Stop"}


def test_pipeline_input_binds_by_value_then_by_property() -> None:
    """A Guid is an id; an object with a property Name is a name; anything else is refused."""
    bound = bind(SYNTAX, [], has_input=True)
    assert bind_input(bound, ID).values == {"Id": ID}
    assert bind_input(bound, NoteObject({"name": "a"})).values == {"Name": ["a"]}
    with pytest.raises(BindingError) as caught:
        bind_input(bound, NoteObject({"other": 1}))
    assert caught.value.detail.fqid == "InputObjectNotBound,Test.GetThing"
    assert bound.values == {}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (types.STRINGS, "a", ["a"]),
        (types.STRINGS, ["a", 1], ["a", "1"]),
        (types.GUID, "{" + str(ID) + "}", ID),
        (types.INTEGER, "5", 5),
        (types.BOOLEAN, 1, True),
        (types.HASHTABLES, {"a": 1}, [{"a": 1}]),
    ],
)
def test_values_convert_as_powershell_converts_them(kind: Any, value: Any, expected: Any) -> None:
    """One value becomes an array of one; texts become Guids and numbers."""
    assert kind.convert(value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [(types.STRING, None), (types.GUID, 5), (types.INTEGER, True), (types.DICTIONARY, "x"), (types.SWITCH, "yes")],
)
def test_what_does_not_convert_says_so(kind: Any, value: Any) -> None:
    """A ValueError, which binding turns into PowerShell's error."""
    with pytest.raises(ValueError):  # noqa: PT011  # the text does not matter
        kind.convert(value)
