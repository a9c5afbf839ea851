"""Promises of the diagnosis on hosts of three languages: the same decision, whatever the words."""

from typing import Any
from uuid import UUID

import pytest

from core.domain.attempt.diagnosis import Diagnosis, Seen, diagnose
from core.domain.attempt.subject import Names, Subject, about, paths_in
from core.domain.model.host_calls import HostWord
from core.domain.model.move import Fault
from lab.hyperv.world.fleet import Language
from lab.hyperv.world.host_messages import CAUSES, record, text_of
from lab.hyperv.world.translations import GERMAN, JAPANESE

VM = UUID("8f1b2c3d-0000-4444-8888-123456789abc")
ISO = "\\\\fs01\\iso\\x.iso"
NAMES = Names(
    vm_id=str(VM),
    vm_name="web01",
    source="HV01",
    destination="HV02",
    address="hv02.contoso.com",
    path="D:\\VMs\\web01",
    files=("D:\\VMs\\web01\\web01.vhdx", ISO),
    switches=("Production",),
)
PATHS = {
    "attachment-denied": ISO,
    "iso": ISO,
    "share-silent": ISO,
    "sparse": "D:\\VMs\\web01\\web01.vhdx",
    "no-path": "D:\\VMs\\web01\\Virtual Hard Disks",
}
SEEN = {
    "live-limit": Seen(is_host_full=True),
    "storage-limit": Seen(is_host_full=True),
    "migration-disabled": Seen(off=("HV01",)),
    "clustered": Seen(is_clustered=True),
}
"""What the hosts show besides: their counters, their settings, the VM's state."""


def heard(name: str, language: Language) -> HostWord:
    filled: dict[str, Any] = {"limit": 2, "switch": "Production", "operation": "?", "version": "9.0", "number": 1}
    filled["path"] = PATHS.get(name, "D:\\VMs\\web01")
    said = record(name, vm="web01", vm_id=VM, source="HV01", destination="HV02", language=language, **filled)
    fqid = f"{said.error_id},Microsoft.HyperV.PowerShell.Commands.MoveVM"
    return HostWord("\n".join(said.lines), fqid, int(said.category))


def decided(name: str, language: Language) -> Diagnosis:
    return diagnose([heard(name, language)], NAMES, SEEN.get(name, Seen()))


TRANSLATED = sorted({name for name, cause in CAUSES.items() if cause.german} | set(GERMAN) | set(JAPANESE))


def test_the_lab_speaks_all_three() -> None:
    """A cause that is told in German is told in Japanese too, and both differ from English."""
    for name in TRANSLATED:
        assert len({text_of(name, language) for language in Language}) == len(Language), name


@pytest.mark.parametrize("name", TRANSLATED)
def test_hosts_of_three_languages_are_understood_alike(name: str) -> None:
    """Numbers, ids, names and what the hosts show decide: a German and a Japanese host fare as an English one."""
    said = {language: decided(name, language) for language in Language}
    assert len({one.fault for one in said.values()}) == 1, {key: (one.code, one.fault) for key, one in said.items()}
    assert said[Language.ENGLISH].fault is not Fault.UNKNOWN
    assert all(one.hint for one in said.values())


FIELD = {
    "service-away": ("service-away", Fault.PASSING),
    "attachment-denied": ("file-denied", Fault.VM),
    "cpu-microcode": ("cpu", Fault.VM),
    "name-unknown": ("name-unknown", Fault.PAIR),
    "host-not-found": ("name-unknown", Fault.PAIR),
    "file-system": ("file-system", Fault.VM),
    "sparse": ("file-system", Fault.VM),
    "crc": ("disk-hardware", Fault.VM),
    "share-silent": ("share", Fault.VM),
    "account-restriction": ("logon-denied", Fault.PAIR),
    "no-path": ("folder-missing", Fault.HOST),
    "logon-right": ("logon-right", Fault.HOST),
}
"""Cases 2, 4, 9, 11 and 12 of the field."""


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", FIELD)
def test_reports_from_the_field(name: str, language: Language) -> None:
    """What public reports tell has its right class and rule, on hosts of each language."""
    said = decided(name, language)
    assert (said.code, said.fault) == FIELD[name], said


@pytest.mark.parametrize("language", Language)
def test_a_vm_that_its_host_shows_is_not_gone(language: Language) -> None:
    """Get-VM finds nothing while the service restarts; the list of VMs right after has the VM: it is tried again."""
    gone = [heard("vm-gone", language)]
    assert diagnose(gone, NAMES).code == "vm-gone"
    assert diagnose(gone, NAMES, Seen(is_on_source=True)).fault is Fault.PASSING


@pytest.mark.parametrize("language", Language)
def test_a_denied_file_names_the_file(language: Language) -> None:
    """Case 4: the words keep the file's name, and why says what the sentence is about."""
    said = decided("attachment-denied", language)
    assert ISO in said.words
    assert said.why.endswith(f"about {ISO}")


@pytest.mark.parametrize(
    ("text", "subject", "name"),
    [
        ("'D:\\VMs\\web01\\web01.vhdx' ist gesperrt", Subject.OWN_FILE, "D:\\VMs\\web01\\web01.vhdx"),
        ("「\\\\fs01\\iso\\x.iso」を開けませんでした", Subject.OWN_FILE, ISO),
        ("cannot open E:\\other\\install.iso (0x80070005)", Subject.OWN_FILE, "E:\\other\\install.iso"),
        ("„D:\\VMs\\web01\\Snapshots“", Subject.DESTINATION_FOLDER, "D:\\VMs\\web01\\Snapshots"),
        ("auf 'HV02' verweigert", Subject.DESTINATION, "HV02"),
        ("host HV02.CONTOSO.COM refuses", Subject.DESTINATION, "HV02"),
        ("移行元 'HV01' で失敗しました", Subject.SOURCE, "HV01"),
        ("HV01 and HV02", Subject.UNCLEAR, ""),
        ("HV021 and xHV02", Subject.UNCLEAR, ""),
        ("", Subject.UNCLEAR, ""),
    ],
)
def test_what_a_sentence_is_about(text: str, subject: Subject, name: str) -> None:
    """Paths and hosts are found in any language's quotes; a path says more than a host."""
    found = about(text, NAMES)
    assert (found.subject, found.name) == (subject, name)


def test_paths_end_where_they_end() -> None:
    """Quotes, brackets, Japanese full stops and the ending of a file end a path."""
    text = "a 'C:\\x\\y.vhdx' and \\\\fs01\\iso\\a b.iso。 D:\\VMs (0x80070003)\nE:\\z.avhdx: no"
    assert list(paths_in(text))[:2] == ["C:\\x\\y.vhdx", "\\\\fs01\\iso\\a b.iso"]
    assert "E:\\z.avhdx" in list(paths_in(text))
    assert list(paths_in("see http://x/y, version 1:2, and/or HV01\\svc-migrate")) == []
