r"""What a host's error means: its class, whether waiting or trying again helps, and a hint for a human.

Matched in this order: HRESULT, text, PowerShell's error id, fresh state of the VM and the host. Texts are in the host's
language, so the language-free handles come first.
Sources: Microsoft support articles on live migration and event 21501,
21502, 21024; KB2790310; public logs. ``docs/errors.md`` lists every rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.fleet import HostWord
from core.domain.job import Fault


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict over an error. ``code`` is the rule's name, ``words`` the host's own words."""

    code: str
    fault: Fault
    hint: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One known error: a pattern over all lines of the text, or over the error id."""

    code: str
    fault: Fault
    pattern: re.Pattern[str]
    hint: str
    on_fqid: bool = False


def _rule(code: str, fault: Fault, pattern: str, hint: str, *, on_fqid: bool = False) -> Rule:
    return Rule(code, fault, re.compile(pattern, re.IGNORECASE | re.DOTALL), hint, on_fqid)


RULES: tuple[Rule, ...] = (
    # HRESULTs and fault numbers first: they are the same in every language.
    _rule(
        "no-delegation",
        Fault.PAIR,
        r"0x8009030[ED]|No credentials are available in the security package|"
        r"credentials supplied to the package were not recognized",
        "The source cannot log on to the destination: set up Kerberos delegation on both hosts, use Kerberos as"
        " migration authentication, then allow 15 minutes or purge tickets.",
    ),
    _rule(
        "wrong-principal",
        Fault.PAIR,
        r"0x80090322|target principal name is incorrect",
        "Wrong migration network or service name: check the network order and the SPNs.",
    ),
    _rule(
        "logon-right",
        Fault.PAIR,
        r"0x80070569",
        'Group policy on the destination took "Log on as a service" from NT VIRTUAL MACHINE\\Virtual Machines.',
    ),
    _rule(
        "migration-port",
        Fault.PAIR,
        r"0x8007274D|0x8007271D",
        "TCP 6600 is closed between the hosts: check firewall and listener.",
    ),
    _rule(
        "network",
        Fault.PASSING,
        r"0x8007274C|0x80072746|0x800705B4",
        "The migration network dropped.",
    ),
    _rule(
        "no-memory",
        Fault.PASSING,
        r"0x8007000E|0x800705AA|could not initialize memory",
        "Not enough free memory on the destination: free some, or choose another host.",
    ),
    _rule(
        "iso",
        Fault.VM,
        r"0xC03A0014|virtual disk support provider for the specified file was not found",
        "An ISO is mounted that the destination cannot open: eject it.",
    ),
    _rule(
        "saved-state",
        Fault.OPERATOR,
        r"0xC0370027|saved state data cannot be read",
        "The saved state is unusable; somebody must decide whether to delete it.",
    ),
    _rule(
        "sid",
        Fault.OPERATOR,
        r"0x80070534|No mapping between account names and security IDs",
        "An account could not be resolved: check domain trust and the hosts' computer accounts.",
    ),
    _rule("clustered", Fault.VM, r"0x80071398|0x000013AB", "This VM belongs to a cluster; use the cluster's tools."),
    _rule(
        "disk-full",
        Fault.OPERATOR,
        r"0x80070070|not enough space on the disk",
        "The destination volume is full.",
    ),
    _rule(
        "leftover",
        Fault.OPERATOR,
        r"0x80070050|0x800700B7|file (already )?exists",
        "A file of that name lies in the destination folder: look before deleting it.",
    ),
    _rule("file-in-use", Fault.PASSING, r"0x80070020", "A file is held by somebody."),
    _rule(
        "access-denied",
        Fault.PAIR,
        r"0x80070005|^AccessDenied",
        "Rights or delegation are missing between the hosts.",
    ),
    _rule(
        "winrm-quota",
        Fault.PASSING,
        r"2150859173|2150859174|maximum number of \d+ concurrent (shells|operations)",
        "Too many WinRM sessions of the bot's account on that host.",
    ),
    # Then the texts that carry no number.
    _rule(
        "live-limit",
        Fault.LIMIT,
        r"migration limit .{0,6}\d+.{0,6} was reached|maximum (virtual machine|live) migration limit",
        "The host already runs its maximum of live migrations.",
    ),
    _rule(
        "storage-limit",
        Fault.LIMIT,
        r"maximum storage migration limit",
        "The host already runs its maximum of storage migrations.",
    ),
    _rule(
        "no-right",
        Fault.OPERATOR,
        r"do not have the required permission to complete this task",
        "The bot's account is not in Hyper-V Administrators on that host.",
    ),
    _rule(
        "listener-off",
        Fault.PAIR,
        r"disabled the listener for Virtual Machine migration connections",
        "The host does not listen for migrations: enable live migration there, run gpupdate.",
    ),
    _rule(
        "switch-missing",
        Fault.VM,
        r"Could not find Ethernet switch",
        "The destination has no such virtual switch: create it, or reconnect the adapter.",
    ),
    _rule(
        "cpu",
        Fault.VM,
        r"processor-specific features not supported|hardware on the destination computer is not compatible",
        "The processors differ: turn on processor compatibility while the VM is off.",
    ),
    _rule(
        "vtpm",
        Fault.VM,
        r"key protector for the virtual machine|Virtual TPM Device .* is not compatible",
        "The vTPM certificates are missing on the destination: export and import them.",
    ),
    _rule(
        "version",
        Fault.VM,
        r"configuration version .* is not supported|version .{0,40}not supported",
        "The destination is older than the VM's configuration version.",
    ),
    _rule(
        "shared-disk",
        Fault.VM,
        r"shared (VHDX|virtual (hard )?disk)|persistent reservation",
        "Shared disks cannot be moved this way.",
    ),
    _rule(
        "migration-off",
        Fault.PAIR,
        r"migrations? (is|are) (disabled|not enabled)|not enabled for (live |virtual machine )?migration",
        "Live migration is switched off on one of the hosts.",
    ),
    _rule(
        "clustered",
        Fault.VM,
        r"clustered virtual machine|virtual machine .{0,80}is clustered",
        "Use the cluster's tools.",
    ),
    _rule(
        "prompt",
        Fault.OPERATOR,
        r"command that prompts the user failed",
        "A command asked for confirmation; nothing was done.",
    ),
    _rule(
        "busy",
        Fault.PASSING,
        r"is currently performing the following operation|is being modified by another operation|"
        r"Rolling back the virtual machine configuration",
        "Something else was changing the VM.",
    ),
    _rule(
        "hop-a",
        Fault.PASSING,
        r"WS-Management service cannot process the request|client cannot connect to the destination specified",
        "The source cannot reach the destination by WinRM.",
    ),
    _rule("vm-gone", Fault.VM, r"unable to find a virtual machine", "The VM is no longer on the source."),
    # Last, PowerShell's ids: nearly everything is OperationFailed, so few help.
    _rule("no-memory", Fault.PASSING, r"^OutOfMemory", "Not enough free memory on the destination.", on_fqid=True),
    _rule("access-denied", Fault.PAIR, r"^AccessDenied", "Rights or delegation are missing.", on_fqid=True),
    _rule("busy", Fault.PASSING, r"^(ObjectInUse|InvalidState)", "Something else was changing the VM.", on_fqid=True),
    _rule(
        "slow", Fault.PASSING, r"^(OperationTimeout|StatusUnavailable)", "The Hyper-V service is slow.", on_fqid=True
    ),
    _rule("vm-gone", Fault.VM, r"^ObjectNotFound", "The VM is no longer on the source.", on_fqid=True),
    _rule(
        "endpoint",
        Fault.OPERATOR,
        r"ScriptsNotAllowed|CommandNotFoundException|ProviderNotFound|ParameterBinding|NamedParameterNotFound|"
        r"AmbiguousParameterSet",
        "The endpoint does not allow this command, or the bot sent a wrong one: run migrate-bot check.",
        on_fqid=True,
    ),
)

UNKNOWN_HINT = "The host gave no reason the bot knows; see the host's Hyper-V-VMMS event log."


def diagnose(words: Sequence[HostWord], *, is_backing_up: bool = False, is_host_full: bool = False) -> Diagnosis:
    """Decide what a failed move's errors mean.

    ``is_backing_up``: the VM shows a backup right now; ``is_host_full``: a host's own counter is at its limit right now
    (the limit texts carry no number, so on a host of another language only the counter tells).
    """
    text = "\n".join(word.text for word in words).strip()
    for rule in RULES:
        if any(rule.pattern.search(word.fqid if rule.on_fqid else word.text) for word in words):
            if rule.code == "busy" and is_backing_up:
                return Diagnosis("backup", Fault.BACKUP, "A backup is running; the move waits for it.", text)
            return Diagnosis(rule.code, rule.fault, rule.hint, text)
    if is_backing_up:
        return Diagnosis("backup", Fault.BACKUP, "A backup is running; the move waits for it.", text)
    if is_host_full and "0x" not in text:
        return Diagnosis("limit", Fault.LIMIT, "The host was full when the bot tried.", text)
    return Diagnosis("unknown", Fault.UNKNOWN, UNKNOWN_HINT, text)
