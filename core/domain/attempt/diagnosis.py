r"""Decides what a host's error means: its class, whether waiting or trying again helps, and a hint for a human.

Matched in this order: HRESULT, text, PowerShell's error id, fresh state of the VM and the host. Texts are in the host's
language, so the language-free handles come first.
Sources: Microsoft support articles on live migration and event 21501,
21502, 21024; KB2790310; public logs. ``docs/reference/errors.md`` lists every rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.model.host_calls import HostWord
from core.domain.model.move import Fault


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict over an error. ``code`` is the rule's name, ``words`` the host's own words."""

    code: str
    fault: Fault
    hint: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One known error: what it is recognised by, and what it means.

    ``number`` is a HRESULT or fault number, the same in every language; ``text`` a pattern over all lines of the host's
    English words; ``fqid`` a pattern over PowerShell's FullyQualifiedErrorId.
    """

    code: str
    fault: Fault
    hint: str
    number: re.Pattern[str] | None = None
    text: re.Pattern[str] | None = None
    fqid: re.Pattern[str] | None = None


def _rule(code: str, fault: Fault, hint: str, *, number: str = "", text: str = "", fqid: str = "") -> Rule:
    def pattern(source: str) -> re.Pattern[str] | None:
        return re.compile(source, re.IGNORECASE | re.DOTALL) if source else None

    return Rule(
        code=code,
        fault=fault,
        hint=hint,
        number=pattern(rf"\b({number})\b" if number else ""),
        text=pattern(text),
        fqid=pattern(fqid),
    )


# Within each of the three handles the first rule that fits wins: what is more special stands before the general.
RULES: tuple[Rule, ...] = (
    _rule(
        "no-delegation",
        Fault.PAIR,
        "The source cannot log on to the destination: set up Kerberos delegation on both hosts, use Kerberos as"
        " migration authentication, then allow 15 minutes or purge tickets.",
        number="0x8009030[ED]",
        text="No credentials are available in the security package|"
        "credentials supplied to the package were not recognized",
    ),
    _rule(
        "wrong-principal",
        Fault.PAIR,
        "Wrong migration network or service name: check the network order and the SPNs.",
        number="0x80090322",
        text="target principal name is incorrect",
    ),
    _rule(
        "logon-right",
        Fault.PAIR,
        'Group policy on the destination took "Log on as a service" from NT VIRTUAL MACHINE\\Virtual Machines.',
        number="0x80070569",
    ),
    _rule(
        "migration-port",
        Fault.PAIR,
        "TCP 6600 is closed between the hosts: check firewall and listener.",
        number="0x8007274D|0x8007271D",
    ),
    _rule(
        "network",
        Fault.PASSING,
        "The migration network dropped.",
        number="0x8007274C|0x80072746|0x800705B4",
    ),
    _rule(
        "no-memory",
        Fault.PASSING,
        "Not enough free memory on the destination: free some, or choose another host.",
        number="0x8007000E|0x800705AA",
        text="could not initialize memory",
        fqid="^OutOfMemory",
    ),
    _rule(
        "iso",
        Fault.VM,
        "An ISO is mounted that the destination cannot open: eject it.",
        number="0xC03A0014",
        text="virtual disk support provider for the specified file was not found|MessageId\\W{0,3}40010\\b",
    ),
    _rule(
        "saved-state",
        Fault.OPERATOR,
        "The saved state is unusable; somebody must decide whether to delete it.",
        number="0xC0370027",
        text="saved state data cannot be read",
    ),
    _rule(
        "sid",
        Fault.OPERATOR,
        "An account could not be resolved: check domain trust and the hosts' computer accounts.",
        number="0x80070534",
        text="No mapping between account names and security IDs",
    ),
    _rule(
        "clustered",
        Fault.VM,
        "This VM belongs to a cluster; use the cluster's tools.",
        number="0x80071398|0x000013AB",
        text="clustered virtual machine|virtual machine .{0,80}is clustered",
    ),
    _rule(
        "disk-full",
        Fault.OPERATOR,
        "The destination volume is full.",
        number="0x80070070",
        text="not enough space on the disk",
    ),
    _rule(
        "leftover",
        Fault.OPERATOR,
        "A file of that name lies in the destination folder: look before deleting it.",
        number="0x80070050|0x800700B7",
        text="\\bthe file exists|\\bfile already exists",
    ),
    _rule("file-in-use", Fault.PASSING, "A file is held by somebody.", number="0x80070020"),
    _rule(
        "access-denied",
        Fault.PAIR,
        "Rights or delegation are missing between the hosts.",
        number="0x80070005",
        fqid="^AccessDenied",
    ),
    _rule(
        "winrm-quota",
        Fault.PASSING,
        "Too many WinRM sessions of the bot's account on that host.",
        number="2150859173|2150859174|0x803381A[56]",
        text="maximum number of (\\d+ )?concurrent (shells|operations)",
    ),
    _rule(
        "contact-lost",
        Fault.PASSING,
        "Contact was lost while the move may have run; both hosts were looked at before the next try.",
        number="2150858843|0x8033805B",
        text="\\bread timed out|\\bconnection (was )?(aborted|lost|broken)\\b",
    ),
    _rule(
        "login",
        Fault.OPERATOR,
        "A host rejects the login of the bot's account: check username, password and authentication method.",
        text="\\bHTTP\\b.{0,20}\\b401\\b|\\b401 Unauthorized|\\bfailed to authenticate the user\\b",
    ),
    # Both limits speak of a "migration limit"; only one of them says "storage".
    _rule(
        "storage-limit",
        Fault.LIMIT,
        "The host already runs its maximum of storage migrations.",
        text="storage migration limit",
    ),
    _rule(
        "live-limit",
        Fault.LIMIT,
        "The host already runs its maximum of live migrations.",
        text="migration limit .{0,6}\\d+.{0,6} was reached|maximum (virtual machine|live) migration limit|"
        "\\blimit .{0,2}\\d+.{0,2} was reached, please wait",
    ),
    _rule(
        "no-right",
        Fault.OPERATOR,
        "The bot's account is not in Hyper-V Administrators on that host.",
        text="do not have the required permission to complete this task",
    ),
    _rule(
        "listener-off",
        Fault.PAIR,
        "The host does not listen for migrations: enable live migration there, run gpupdate.",
        text="disabled the listener for Virtual Machine migration connections",
    ),
    # Of a VM that does not fit, the host first says so in general, then why: the reasons before the general words.
    _rule(
        "switch-missing",
        Fault.VM,
        "The destination has no such virtual switch: create it, or reconnect the adapter.",
        text="Could not find Ethernet switch|MessageId\\W{0,3}33012\\b",
    ),
    _rule(
        "vtpm",
        Fault.VM,
        "The vTPM certificates are missing on the destination: export and import them.",
        text="key protector for the virtual machine|Virtual TPM Device .{0,120}is not compatible",
    ),
    _rule(
        "version",
        Fault.VM,
        "The destination is older than the VM's configuration version.",
        text="(configuration|virtual machine) version .{0,120}not supported",
    ),
    _rule(
        "shared-disk",
        Fault.VM,
        "Shared disks cannot be moved this way.",
        text="shared (VHDX|virtual (hard )?disk)|persistent reservation",
    ),
    _rule(
        "cpu",
        Fault.VM,
        "The processors differ: turn on processor compatibility while the VM is off.",
        text="processor-specific features not supported|hardware on the destination computer is not compatible",
    ),
    _rule(
        "migration-off",
        Fault.PAIR,
        "Live migration is switched off on one of the hosts.",
        text="migrations? (is|are) (disabled|not enabled)|not enabled for (live |virtual machine )?migration",
    ),
    _rule(
        "prompt",
        Fault.OPERATOR,
        "A command asked for confirmation; nothing was done.",
        text="command that prompts the user failed",
    ),
    _rule(
        "busy",
        Fault.PASSING,
        "Something else was changing the VM.",
        text="is currently performing the following operation|is being modified by another operation|"
        "Rolling back the virtual machine configuration",
        fqid="^(ObjectInUse|InvalidState)",
    ),
    _rule(
        "hop-a",
        Fault.PASSING,
        "The source cannot reach the destination by WinRM.",
        text="WS-Management service cannot process the request|client cannot connect to the destination specified",
    ),
    _rule(
        "vm-gone",
        Fault.VM,
        "The VM is no longer on the source.",
        text="unable to find a virtual machine",
        fqid="^ObjectNotFound",
    ),
    _rule("slow", Fault.PASSING, "The Hyper-V service is slow.", fqid="^(OperationTimeout|StatusUnavailable)"),
    _rule(
        "endpoint",
        Fault.OPERATOR,
        "The endpoint does not allow this command, or the bot sent a wrong one: run migrate-bot check.",
        fqid="ScriptsNotAllowed|CommandNotFoundException|ProviderNotFound|Parameter(Binding|Argument)|ParameterNotFound|"
        "AmbiguousParameterSet|MissingMandatoryParameter|CannotConvertArgument",
    ),
)

_HRESULT = re.compile(r"\b0x[0-9A-F]{8}\b", re.IGNORECASE)

UNKNOWN_HINT = "The host gave no reason the bot knows; see the host's Hyper-V-VMMS event log."


def diagnose(words: Sequence[HostWord], *, is_backing_up: bool = False, is_host_full: bool = False) -> Diagnosis:
    """Decide what a failed move's errors mean.

    ``is_backing_up``: the VM shows a backup right now; ``is_host_full``: a host's own counter is at its limit right now
    (the limit texts carry no number, so on a host of another language only the counter tells).
    """
    text = "\n".join(word.text for word in words).strip()
    rule = _first_that_fits(words)
    if is_backing_up and (rule is None or rule.code == "busy"):
        return Diagnosis("backup", Fault.BACKUP, "A backup is running; the move waits for it.", text)
    if rule is not None:
        return Diagnosis(rule.code, rule.fault, rule.hint, text)
    if is_host_full and not _HRESULT.search(text):
        return Diagnosis("limit", Fault.LIMIT, "The host was full when the bot tried.", text)
    return Diagnosis("unknown", Fault.UNKNOWN, UNKNOWN_HINT, text)


def _first_that_fits(words: Sequence[HostWord]) -> Rule | None:
    """Find the rule: by number in any of the words, then by text, then by error id."""
    texts, ids = [word.text for word in words], [word.fqid for word in words]
    handles = [
        *((rule, rule.number, texts) for rule in RULES),
        *((rule, rule.text, texts) for rule in RULES),
        *((rule, rule.fqid, ids) for rule in RULES),
    ]
    return next((rule for rule, pattern, said in handles if pattern and any(map(pattern.search, said))), None)
