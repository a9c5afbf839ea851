"""Reads what the settings say of numbers of Windows: ``[errors]``, one number a line."""

from collections.abc import Mapping
from typing import Any

from core.domain.attempt.error_rules import BY_CODE
from core.domain.attempt.windows_numbers import SAYS_NOTHING, parse, spelled, table
from core.domain.model.move import Fault

CLASSES: Mapping[str, Fault] = {
    fault.value: fault for fault in (Fault.VM, Fault.PAIR, Fault.HOST, Fault.BOT, Fault.PASSING)
}
_FOR_GOOD = {Fault.VM, Fault.PAIR, Fault.HOST}


def read_own_errors(written: Any) -> dict[int, Fault]:
    """Read ``{"0x80070299": "vm"}`` into faults by canonical number.

    Raises:
        ValueError: a key is no number of an error, a value none of the five classes, or one number is named twice.

    """
    if not isinstance(written, Mapping):
        raise ValueError('write numbers and classes, for example 0x80070299 = "vm"')  # noqa: TRY004 (pydantic's)
    found: dict[int, Fault] = {}
    for key, value in written.items():
        number = key if isinstance(key, int) and not isinstance(key, bool) else parse(str(key))
        fault = CLASSES.get(str(value).strip().casefold())
        if fault is None:
            raise ValueError(f"{key} is {value!r}; write one of {', '.join(CLASSES)}")
        if number in found:
            raise ValueError(f"{key} is there twice: it is {spelled(number)} in another spelling")
        found[number] = fault
    return found


def told(own: Mapping[int, Fault]) -> list[tuple[str, str]]:
    """Say of each number of the settings what it is, and what is doubtful about it (empty: nothing)."""
    return [
        (f"{spelled(number)}{_name(number)}: {fault.value}", _doubt(number, fault)) for number, fault in own.items()
    ]


def _name(number: int) -> str:
    known = table().get(number)
    return f" ({known.name})" if known else ""


def _doubt(number: int, fault: Fault) -> str:
    known = table().get(number)
    rule = BY_CODE.get(known.rule) if known else None
    if known is not None and known.rule == SAYS_NOTHING:
        return "This number says that something failed, and not what: it may mean other things too."
    if rule is None or rule.fault is fault:
        return ""
    if fault is Fault.PASSING and rule.fault in _FOR_GOOD:
        return (
            f"By itself it is {rule.fault.value} ({rule.code}) and does not pass: each try may copy everything again."
        )
    if rule.fault is Fault.LIMIT or (rule.fault is Fault.PASSING and fault in _FOR_GOOD):
        return f"By itself it is {rule.fault.value} ({rule.code}): VMs end that another try would move."
    return ""
