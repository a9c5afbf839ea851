"""What is true of many hosts is one line, and nothing of it is lost."""

import pytest

from bot.messages.alike import alike, host_names
from bot.messages.card_proposed import finding_lines
from core.domain.model.inventory import HostName
from core.domain.model.plan import Finding, FindingCode, Severity
from tests.support.builders import vm_id


def note(host: str, text: str = "{host} does not show me its folders. The endpoint of {host} lacks it.") -> Finding:
    said = text.format(host=host)
    return Finding(severity=Severity.NOTE, code=FindingCode.FOLDERS_UNSEEN, text=said, host=HostName(host))


def test_hosts_of_which_the_same_holds_are_one_line() -> None:
    """Eight notes that differ by the host's name alone are one, which names them all and keeps the host's words."""
    (line,) = finding_lines([note(f"HV{n}") for n in range(11, 19)], 5)
    assert line == (
        "ℹ️ HV11 (likewise HV12 to HV18) does not show me its folders. The endpoint of HV11 lacks it."  # noqa: RUF001
    )


def test_what_differs_stays_apart_and_in_its_order() -> None:
    """Another reason, another severity, a finding of a VM, or of no host: nothing of it is joined."""
    other = note("HV12", "{host} does not show me its folders. A policy forbids it.")
    of_vm = Finding(
        severity=Severity.NOTE,
        code=FindingCode.BUSY,
        text="vm01 of HV11 is busy.",
        vm_id=vm_id(1),
        host=HostName("HV11"),
    )
    nameless = Finding(severity=Severity.NOTE, code=FindingCode.READ_AS, text="srv* stands for 3 VMs.")
    found = [note("HV11"), other, of_vm, nameless, of_vm, note("HV13")]
    first, *rest = alike(found)
    assert first.text.startswith("HV11 (likewise HV13) does not")
    assert rest == [other, of_vm, nameless, of_vm]


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        (("HV02",), "HV02"),
        (("HV02", "HV03"), "HV02 and HV03"),
        (("HV02", "HV03", "HV04"), "HV02 to HV04"),
        (("HV02", "HV03", "HV04", "HV09", "alpha"), "HV02 to HV04, HV09 and alpha"),
        (("HV09", "HV10", "HV11"), "HV09 to HV11"),
        (("HV9", "HV10", "XV11"), "HV9, HV10 and XV11"),
        (tuple("acegik"), "a, c, e, g and others, 6 in all"),
    ],
)
def test_many_hosts_have_a_short_name(hosts: tuple[str, ...], text: str) -> None:
    """Three or more in a row are a range; of many kinds of names only the first are said, and how many there are."""
    assert host_names(hosts) == text
