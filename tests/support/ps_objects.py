"""Builds PowerShell objects the way pypsrp hands them out."""

from typing import Any

from hypothesis import strategies as st
from pypsrp.complex_objects import GenericComplexObject


def enum(number: int, name: str) -> GenericComplexObject:
    """Make an enum value as Select-Object sends it."""
    value = GenericComplexObject()
    value.to_string = name
    value.property_sets = [number]
    return value


def selected(**properties: Any) -> GenericComplexObject:
    """Make what Select-Object emits."""
    value = GenericComplexObject()
    value.extended_properties = properties
    return value


def bare(**properties: Any) -> GenericComplexObject:
    """Make what a cmdlet emits by itself."""
    value = GenericComplexObject()
    value.adapted_properties = properties
    return value


@st.composite
def complex_objects(draw: st.DrawFn, children: st.SearchStrategy[Any], names: list[str]) -> GenericComplexObject:
    value = GenericComplexObject()
    bags = st.dictionaries(st.sampled_from(names) | st.text(max_size=4), children, max_size=len(names))
    value.extended_properties = draw(bags)
    value.adapted_properties = draw(bags)
    value.property_sets = draw(st.lists(children, max_size=2))
    value.to_string = draw(st.none() | st.text(max_size=8))
    return value


def junk(names: list[str]) -> st.SearchStrategy[Any]:
    """Make anything a reply could hold, with some property names we look for."""
    plain = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=12)
        | st.uuids()
        | st.uuids().map(str)
        | st.binary(max_size=4)
        | st.sampled_from(
            [
                "PT1H2M3S",
                "P",
                "-P1D",
                "2026-11-23T05:06:34.1234567Z",
                "0001-01-01T00:00:00+23:00",
                "Running",
                "True",
                '<Obj RefId="0"><TN RefId="0"><T>Odd</T></TN><ToString>Off</ToString><I32>3</I32></Obj>',
                "<LST><S>a</S></LST>",
                "<Obj",
                '<Obj RefId="0"><I32>x</I32></Obj>',
                '<Obj RefId="0"><Ref RefId="7" /></Obj>',
            ]
        )
    )
    nested = st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(names), inner, max_size=4)
            | complex_objects(inner, names)
        ),
        max_leaves=6,
    )
    return nested | complex_objects(nested, names)
