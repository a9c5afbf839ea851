"""Short names (8.3): what is a second name of something else is found where a host tells, and said where none does."""

import pytest

from core.domain.model.inventory import Disk, DiskFile, VmDetails
from core.domain.model.plan import Finding, FindingCode, Severity
from core.domain.planning.preflight import preflight
from core.domain.planning.short_names import Spelling, could_abbreviate, folder_findings, short_parts, spelling
from tests.support.builders import GB, HV01, HV02, details, lying, planned, room


def on(number: int, name: str, *parents: str) -> VmDetails:
    chain = tuple(DiskFile(path, GB) for path in parents)
    return details(number, disks=(Disk(path=f"D:\\{number}\\{name}", file_bytes=GB, parents=chain),))


def check(*rows: VmDetails, taken: tuple[str, ...] = ()) -> list[Finding]:
    moves = [planned(int(row.vm.name[2:])) for row in rows]
    lies = lying(HV02, *taken) if taken else {}
    return [
        one
        for one in preflight(moves, {HV01: room(HV01, *rows), HV02: room(HV02)}, lies)
        if one.code is FindingCode.SHORT_NAME
    ]


def test_only_what_looks_like_one_is_looked_at() -> None:
    """A tilde alone is no short name, and each folder above counts."""
    assert short_parts("D:\\PROGRA~1\\VMs~\\LONGNA~12") == ("D:\\PROGRA~1",)
    assert short_parts("D:\\PROGRA~1\\LONGN~12") == ("D:\\PROGRA~1\\LONGN~12", "D:\\PROGRA~1")
    assert short_parts("D:\\VMs") == ()


@pytest.mark.parametrize(
    ("short", "name", "may_be"),
    [
        ("WEBSER~1.VHD", "webserver01.vhdx", True),
        ("webser~2.vhd", "Web Server 02.vhdx", True),
        ("WE3F5A~1.VHD", "webserver05.vhdx", True),
        ("PROGRA~1", "Program Files", True),
        ("WEBSER~1.VHD", "mail01.vhdx", False),
        ("WEBSER~1.VHD", "webserver01.iso", False),
        ("WEBSER~1.VHD", "webser~1.vhd", False),
        ("webserver.vhdx", "webserver01.vhdx", False),
    ],
)
def test_a_short_name_has_the_first_letters_of_the_long_one(short: str, name: str, may_be: bool) -> None:
    """First letters without blanks, then a number; of the fifth alike on two are kept. The same name is no other."""
    assert could_abbreviate(short, name) is may_be


@pytest.mark.parametrize(
    ("within", "beside", "judged"),
    [
        (["D:\\Program Files\\a"], None, (Spelling.SHORT, "D:\\Program Files")),
        ([], ["D:\\Program Files"], (Spelling.SHORT, "")),
        (["D:\\PROGRA~1\\a"], ["D:\\progra~1", "D:\\Program Files"], (Spelling.OWN, "")),
        (None, ["D:\\Program Files"], (Spelling.OWN, "")),
        ([], None, (Spelling.UNKNOWN, "")),
    ],
    ids=["told by what is in it", "empty, and not beside", "called so", "not there yet", "parent not shown"],
)
def test_a_host_tells_how_a_folder_is_called(
    within: list[str] | None, beside: list[str] | None, judged: tuple[Spelling, str]
) -> None:
    """No guess by letters: whoever is in the folder has another parent, or the parent does not list it."""
    assert spelling("D:\\PROGRA~1", within, beside) == judged


def test_a_short_folder_is_to_be_written_in_full() -> None:
    """Known: a blocker with the name. Not known: a warning that says so. Its own name: nothing."""
    path = "D:\\PROGRA~1"
    (known,) = folder_findings({(HV02, path): (Spelling.SHORT, "D:\\Program Files")})
    assert (known.severity, known.host) == (Severity.BLOCKER, HV02)
    assert known.text == f"{path} of HV02 is the short name (8.3) of D:\\Program Files: write it in full."
    (unknown,) = folder_findings({(HV02, path): (Spelling.UNKNOWN, "")})
    assert unknown.severity is Severity.WARNING
    assert list(folder_findings({(HV02, path): (Spelling.OWN, "")})) == []


def test_a_file_that_may_be_another_one_is_said() -> None:
    """In the folder it would land in, of the plan or lying there; a host tells nothing of files."""
    (source, one) = check(on(1, "WEBSER~1.VHD"), on(2, "webserver02.vhdx"))
    assert source.text.startswith("vm01 has D:\\1\\WEBSER~1.VHD, a short name (8.3)")
    assert (one.severity, one.vm_id) == (Severity.WARNING, planned(1).vm_id)
    assert "WEBSER~1.VHD of vm01 may be the short name (8.3) of webserver02.vhdx" in one.text
    lies = "D:\\VMs\\Virtual Hard Disks\\webserver07.vhdx"
    assert len(check(on(1, "WEBSER~1.VHD"), taken=(lies,))) == 2
    assert len(check(on(1, "WEBSER~1.VHD"), on(2, "mail.vhdx"))) == 1


def test_a_parent_by_a_short_name_may_be_shared_unseen() -> None:
    """Linked clones are found by the paths of their files: one that may have two names hides them."""
    (one,) = check(on(1, "a.avhdx", "D:\\GOLDEN~1\\base.vhdx"))
    assert "D:\\GOLDEN~1\\base.vhdx" in one.text
    assert one.text.endswith("whether other VMs need that file is not known.")
