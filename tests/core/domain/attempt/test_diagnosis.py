"""Promises of core.domain.attempt.diagnosis: one example of every known error, as hosts word it."""

import pytest

from core.domain.attempt.diagnosis import UNKNOWN_HINT, Seen, diagnose
from core.domain.attempt.error_rules import RULES
from core.domain.attempt.windows_numbers import SAYS_NOTHING, table
from core.domain.model.host_calls import HostWord
from core.domain.model.move import Fault
from core.errors import ContactLost, HostUnreachable, LoginRejected, Owner

WRAP = "Virtual machine migration operation for 'web01' failed at migration source 'HV01'. (Virtual machine ID {})\n"
WRAP = WRAP.format("8F1B2C3D-0000-4444-8888-123456789ABC")
FAILED = "OperationFailed,Microsoft.HyperV.PowerShell.Commands.MoveVM"
MISFIT = (
    "The virtual machine cannot be moved to the destination computer. The hardware on the destination computer is not"
    " compatible with the hardware requirements of this virtual machine. "
)

TEXTS: list[tuple[str, str, str, Fault]] = [
    (
        "E1",
        'The virtual machine migration limit "2" was reached, please wait for completion of an ongoing operation',
        "live-limit",
        Fault.LIMIT,
    ),
    ("E1 short", "the limit 1 was reached, please wait for completion", "live-limit", Fault.LIMIT),
    (
        "E2",
        "Storage migration for 'web01' was not finished because maximum storage migration limit '2' was reached",
        "storage-limit",
        Fault.LIMIT,
    ),
    ("E4", "No credentials are available in the security package (0x8009030E)", "no-delegation", Fault.PAIR),
    (
        "E5",
        "The credentials supplied to the package were not recognized (0x8009030D)",
        "no-delegation",
        Fault.PAIR,
    ),
    ("E6", "The target principal name is incorrect. (0x80090322)", "wrong-principal", Fault.PAIR),
    (
        "E7",
        "Failed to create Planned Virtual Machine at migration destination: Logon failure (0x80070569)",
        "logon-right",
        Fault.HOST,
    ),
    ("E8", "General access denied error (0x80070005)", "access-denied", Fault.PAIR),
    (
        "E9",
        "You do not have the required permission to complete this task. Contact the administrator of 'HV01'.",
        "no-right",
        Fault.OPERATOR,
    ),
    (
        "E10 refused",
        "No connection could be made because the target machine actively refused it. (0x8007274D)",
        "migration-port",
        Fault.PAIR,
    ),
    (
        "E10 blocked",
        "An attempt was made to access a socket in a way forbidden by its access permissions (0x8007271D)",
        "migration-port",
        Fault.PAIR,
    ),
    ("E11 timed out", "A connection attempt failed (0x8007274C)", "no-answer", Fault.PASSING),
    ("E11 reset", "An existing connection was forcibly closed (0x80072746)", "network", Fault.PASSING),
    (
        "E11 timeout",
        "This operation returned because the timeout period expired (0x800705B4)",
        "network",
        Fault.PASSING,
    ),
    (
        "E12",
        "The user or group policy has disabled the listener for Virtual Machine migration connections on this host",
        "listener-off",
        Fault.PAIR,
    ),
    ("E13", "Virtual machine migrations are not enabled on host 'HV02'.", "migration-off", Fault.PAIR),
    ("E14", "The operation is not allowed on a clustered virtual machine.", "clustered", Fault.VM),
    ("E14 code", "The cluster resource could not be found (0x000013AB)", "clustered", Fault.VM),
    ("E14 other code", "The operation failed (0x80071398)", "clustered", Fault.VM),
    ("E15", MISFIT + "Could not find Ethernet switch 'LAN'.", "switch-missing", Fault.VM),
    (
        "E16",
        "The virtual machine 'web01' is using processor-specific features not supported on physical computer 'HV02'.",
        "cpu",
        Fault.VM,
    ),
    ("E15 report", "MessageId 33012", "switch-missing", Fault.VM),
    ("E16 general", MISFIT, "cpu", Fault.VM),
    (
        "E17",
        "'web01' could not initialize memory: Not enough memory resources (0x8007000E).",
        "no-memory",
        Fault.PASSING,
    ),
    ("E17 other", "Insufficient system resources exist (0x800705AA)", "no-memory", Fault.PASSING),
    (
        "E18",
        "A virtual disk support provider for the specified file was not found. (0xC03A0014)",
        "iso",
        Fault.VM,
    ),
    ("E18 report", "MessageId: 40010", "iso", Fault.VM),
    ("E19", "The key protector for the virtual machine 'web01' could not be unwrapped.", "vtpm", Fault.VM),
    (
        "E19 device",
        MISFIT + "The Microsoft Virtual TPM Device (Instance ID 1234) is not compatible with 'HV02'.",
        "vtpm",
        Fault.VM,
    ),
    (
        "E20",
        MISFIT + "The virtual machine version '9.0' is not supported by the destination.",
        "version",
        Fault.VM,
    ),
    ("E21", "The saved state data cannot be read. (0xC0370027)", "saved-state", Fault.OPERATOR),
    ("E22", "The shared virtual hard disk 'D:\\quorum.vhds' cannot be moved.", "shared-disk", Fault.VM),
    (
        "E23",
        "No mapping between account names and security IDs was done. (0x80070534)",
        "sid",
        Fault.OPERATOR,
    ),
    (
        "E25 busy",
        "The virtual machine 'web01' is currently performing the following operation: Creating checkpoint",
        "busy",
        Fault.PASSING,
    ),
    ("E25 other", "'web01' is being modified by another operation.", "busy", Fault.PASSING),
    ("E25 rolling back", "Rolling back the virtual machine configuration", "busy", Fault.PASSING),
    ("E26", "There is not enough space on the disk. (0x80070070)", "disk-full", Fault.OPERATOR),
    ("E27", "The file exists. (0x80070050)", "leftover", Fault.OPERATOR),
    ("E27 other", "Cannot create a file when that file already exists. (0x800700B7)", "leftover", Fault.OPERATOR),
    (
        "E28",
        "The process cannot access the file because it is being used by another process. (0x80070020)",
        "file-in-use",
        Fault.PASSING,
    ),
    (
        "E29",
        'Hyper-V was unable to find a virtual machine with id "8f1b2c3d-0000-4444-8888-123456789abc".',
        "vm-gone",
        Fault.VM,
    ),
    ("E30", "The WS-Management service cannot process the request.", "hop-a", Fault.PASSING),
    ("E30 other", "The client cannot connect to the destination specified in the request.", "hop-a", Fault.PASSING),
    ("E31 shells", "WSManFault Code=2150859173", "winrm-quota", Fault.PASSING),
    ("E31 operations", "WSManFault Code=2150859174", "winrm-quota", Fault.PASSING),
    ("E32 session", "The shell was not found on the server. (Code 2150858843)", "contact-lost", Fault.PASSING),
    ("E32 number", "The request failed (0x8033805B)", "contact-lost", Fault.PASSING),
    ("E32 silence", "HTTPSConnectionPool(host='hv02'): Read timed out.", "contact-lost", Fault.PASSING),
    ("E32 line", "Connection aborted.", "contact-lost", Fault.PASSING),
    ("E33 status", "Bad HTTP response returned from the server. HTTP status code: 401", "login", Fault.OPERATOR),
    ("E33 words", "The server answered 401 Unauthorized.", "login", Fault.OPERATOR),
    ("E33", "Failed to authenticate the user CONTOSO\\svc-migrate with ntlm", "login", Fault.OPERATOR),
    (
        "E35",
        "A command that prompts the user failed because the host program does not support user interaction.",
        "prompt",
        Fault.BOT,
    ),
]

IDS: list[tuple[str, str, str, Fault]] = [
    ("E8", "AccessDenied,Microsoft.HyperV.PowerShell.Commands.MoveVM", "access-denied", Fault.PAIR),
    ("E17", "OutOfMemory,Microsoft.HyperV.PowerShell.Commands.MoveVM", "no-memory", Fault.PASSING),
    ("E25 in use", "ObjectInUse,Microsoft.HyperV.PowerShell.Commands.MoveVM", "busy", Fault.PASSING),
    ("E25 state", "InvalidState,Microsoft.HyperV.PowerShell.Commands.MoveVM", "busy", Fault.PASSING),
    ("E28 slow", "OperationTimeout,Microsoft.HyperV.PowerShell.Commands.MoveVM", "slow", Fault.PASSING),
    ("E28 away", "StatusUnavailable,Microsoft.HyperV.PowerShell.Commands.MoveVM", "slow", Fault.PASSING),
    ("E28 service", "ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM", "service-away", Fault.PASSING),
    ("E34 script", "ScriptsNotAllowed", "endpoint", Fault.BOT),
    ("E34 command", "CommandNotFoundException", "endpoint", Fault.BOT),
    ("E34 provider", "ProviderNotFound,Microsoft.Management.Infrastructure", "endpoint", Fault.BOT),
    ("E34 name", "NamedParameterNotFound,Microsoft.HyperV.PowerShell.Commands.MoveVM", "endpoint", Fault.BOT),
    ("E34 position", "PositionalParameterNotFound,Some.Command", "endpoint", Fault.BOT),
    ("E34 value", "ParameterArgumentTransformationError,Some.Command", "endpoint", Fault.BOT),
    ("E34 set", "AmbiguousParameterSet,Some.Command", "endpoint", Fault.BOT),
]


@pytest.mark.parametrize(("text", "code", "fault"), [one[1:] for one in TEXTS], ids=[one[0] for one in TEXTS])
def test_known_texts(text: str, code: str, fault: Fault) -> None:
    """Weakness 11: the reason of a failure is read, behind the wrapping first line, and has a class and a hint."""
    diagnosis = diagnose([HostWord(WRAP + "\n" + text, FAILED)])
    assert (diagnosis.code, diagnosis.fault) == (code, fault)
    assert diagnosis.hint
    assert diagnosis.words == f"{WRAP}\n{text}".strip()


@pytest.mark.parametrize(("fqid", "code", "fault"), [one[1:] for one in IDS], ids=[one[0] for one in IDS])
def test_known_ids(fqid: str, code: str, fault: Fault) -> None:
    """Weakness 29: PowerShell's error id tells what a text in another language does not."""
    diagnosis = diagnose([HostWord("Что-то пошло не так.", fqid)])
    assert (diagnosis.code, diagnosis.fault) == (code, fault)


def test_every_rule_has_an_example() -> None:
    """No rule without an error it was made for: a text or an id here, a number, what it is about, what hosts show."""
    by_number = {known.rule for known in table().values()} - {SAYS_NOTHING}
    by_subject = {code for rule in RULES for _, code in rule.about}
    by_hosts = {"networks-apart"}
    assert {rule.code for rule in RULES} == {one[2] for one in (*TEXTS, *IDS)} | by_number | by_subject | by_hosts
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Allgemeiner Fehler: Zugriff verweigert (0x80070005)", "access-denied"),
        ("Die angegebene Netzwerkverbindung wurde zurückgesetzt (0x80072746).", "network"),
        ("Im Sicherheitspaket sind keine Anmeldeinformationen verfügbar (0x8009030E).", "no-delegation"),
        ("Недостаточно места на диске (0x80070070)", "disk-full"),
        ("Отказано в доступе. (0x80070005)", "access-denied"),
        ("Подключение не установлено, т.к. конечный компьютер отверг запрос (0x8007274d).", "migration-port"),
    ],
)
def test_numbers_are_the_same_in_every_language(text: str, code: str) -> None:
    """Weakness 29: a German or Russian host is understood by the number it gives."""
    assert diagnose([HostWord(text, FAILED)]).code == code


def test_a_number_says_more_than_an_id_and_an_id_more_than_a_text() -> None:
    """The order of the handles: number, error id, text, state of the VM and the host: English words come after ids."""
    text, fqid = "could not initialize memory", "InvalidState,X"
    both = Seen(is_backing_up=True, is_host_full=True)
    assert diagnose([HostWord(f"{text} (0x80070070)", fqid)], seen=both).code == "disk-full"
    assert diagnose([HostWord(text, "OperationTimeout,X")], seen=both).code == "slow"
    assert diagnose([HostWord(text, FAILED)], seen=both).code == "no-memory"
    assert diagnose([HostWord("?", "OperationTimeout,X")], seen=both).code == "slow"
    assert diagnose([HostWord("?", FAILED)], seen=both).code == "backup"
    assert diagnose([HostWord("?", FAILED)], seen=Seen(is_host_full=True)).code == "limit"


def test_a_number_in_the_second_error_is_found_before_a_text_in_the_first() -> None:
    """All errors are read, and all lines of each."""
    words = [HostWord("The WS-Management service cannot process the request."), HostWord("x\n\ny (0x80070005)")]
    diagnosis = diagnose(words)
    assert diagnosis.code == "access-denied"
    assert diagnosis.words == "The WS-Management service cannot process the request.\nx\n\ny (0x80070005)"


def test_busy_with_a_backup_is_a_backup() -> None:
    """E24: the host says busy and the VM shows a backup: it waits for the backup, at no cost."""
    words = [HostWord("'web01' is currently performing the following operation: Backing up")]
    assert diagnose(words, seen=Seen(is_backing_up=True)).fault is Fault.BACKUP
    assert diagnose(words).fault is Fault.PASSING


def test_a_full_host_explains_a_failure_without_a_number() -> None:
    """E3: the limit texts carry no number; on a host of another language the host's own counter tells."""
    words = [HostWord("Das Limit '2' wurde erreicht", FAILED)]
    assert diagnose(words, seen=Seen(is_host_full=True)).fault is Fault.LIMIT
    assert diagnose(words).fault is Fault.UNKNOWN
    assert diagnose([HostWord("(0x80041001)", FAILED)], seen=Seen(is_host_full=True)).fault is Fault.UNKNOWN
    assert diagnose([HostWord("VM box0x1 failed", FAILED)], seen=Seen(is_host_full=True)).fault is Fault.LIMIT


def test_what_nobody_knows_says_where_to_look() -> None:
    """Promise 10: an unknown failure keeps the host's words and says where more is written."""
    diagnosis = diagnose([HostWord("Catastrophic failure")])
    assert (diagnosis.code, diagnosis.fault, diagnosis.hint) == ("unknown", Fault.UNKNOWN, UNKNOWN_HINT)
    assert diagnosis.words == "Catastrophic failure"
    assert diagnose([]).fault is Fault.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "The configuration file exists in an unsupported place",
        "PowerShell version 5 is old; the feature is not supported",
        "10x80070005 bananas",
        "0x800700055",
        "The profile exists",
    ],
)
def test_words_that_only_look_like_a_rule_are_unknown(text: str) -> None:
    """A rule fits what it was made for; a wrong hint is worse than none."""
    assert diagnose([HostWord(text)]).code == "unknown"


DOCUMENTED: dict[str, Fault] = (
    dict.fromkeys(("E1", "E2", "E3"), Fault.LIMIT)
    | dict.fromkeys(("E4", "E5", "E6", "E8", "E10", "E12", "E13"), Fault.PAIR)
    | dict.fromkeys(("E11", "E17", "E25", "E28", "E30", "E31", "E32"), Fault.PASSING)
    | dict.fromkeys(("E14", "E15", "E16", "E18", "E19", "E20", "E22", "E29"), Fault.VM)
    | dict.fromkeys(("E9", "E21", "E23", "E26", "E27", "E33"), Fault.OPERATOR)
    | dict.fromkeys(("E34", "E35"), Fault.BOT)
    | {"E7": Fault.HOST}
    | {"E24": Fault.BACKUP}
)
"""Every failure of a move that is documented or was seen, by number, and what it asks for."""

BUSY = "'web01' is currently performing the following operation: 'Backing up'."
BUSY_DE = "Der virtuelle Computer 'web01' führt gerade den folgenden Vorgang aus: 'Sicherung wird ausgeführt'."
STATES: list[tuple[str, HostWord, Seen, Fault]] = [
    (
        "E3",
        HostWord("Das Limit '2' wurde erreicht.", FAILED),
        Seen(is_host_full=True),
        Fault.LIMIT,
    ),
    ("E24", HostWord(BUSY, FAILED), Seen(is_backing_up=True), Fault.BACKUP),
    ("E24 German", HostWord(BUSY_DE, "ObjectInUse,X"), Seen(is_backing_up=True), Fault.BACKUP),
]


def test_every_documented_failure_has_a_sample() -> None:
    """The whole table E1 to E35: each has an example here, and each example ends as the table asks."""
    samples = [(label, fault) for label, _, _, fault in (*TEXTS, *IDS)] + [(one[0], one[3]) for one in STATES]
    assert {label.split()[0] for label, _ in samples} == set(DOCUMENTED) == {f"E{number}" for number in range(1, 36)}
    assert [label for label, fault in samples if DOCUMENTED[label.split()[0]] is not fault] == []


@pytest.mark.parametrize(("word", "state", "fault"), [one[1:] for one in STATES], ids=[one[0] for one in STATES])
def test_what_only_the_state_tells(word: HostWord, state: Seen, fault: Fault) -> None:
    """E3 and E24: the words do not say it, the host's counter or the VM's status does."""
    assert diagnose([word], seen=state).fault is fault
    assert diagnose([word]).fault is not fault


def test_lost_contact_and_a_rejected_login_are_classes_of_their_own() -> None:
    """E32 and E33 at the bot's own line: lost contact is settled by looking, a rejected login by the operator."""
    assert ContactLost("HV01", "x").retry
    assert HostUnreachable("HV01", "x").retry
    assert not LoginRejected("HV01", "x").retry
    assert LoginRejected("HV01", "x").owner is Owner.OPERATOR
