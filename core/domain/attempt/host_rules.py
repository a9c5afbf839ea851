"""The rules about hosts: the way between two of them, their services, settings, limits and memory."""

from core.domain.attempt.error_rule import Rule, rule
from core.domain.attempt.subject import Subject
from core.domain.model.move import Fault

_NAMES = "set migration_address of the destination to what the source knows it by, or mend the name service."

# Within each handle the first rule that fits wins: what is more special stands before the general.
HOST_RULES: tuple[Rule, ...] = (
    rule(
        "no-delegation",
        Fault.PAIR,
        "The source cannot log on to the destination: set up Kerberos delegation on both hosts, use Kerberos as"
        " migration authentication, then allow 15 minutes or purge tickets.",
        text="No credentials are available in the security package|"
        "credentials supplied to the package were not recognized",
    ),
    rule(
        "wrong-principal",
        Fault.PAIR,
        "Wrong migration network or service name: check the network order and the SPNs.",
        text="target principal name is incorrect",
    ),
    rule(
        "logon-passing",
        Fault.PASSING,
        "Nobody could judge a logon between the hosts just now: a domain controller, Netlogon or the time was away.",
    ),
    rule(
        "logon-denied",
        Fault.PAIR,
        "A logon between the hosts was refused: look at the account it names, its hours, lock and password.",
    ),
    rule(
        "logon-right",
        Fault.HOST,
        'Group policy on the destination took "Log on as a service" from NT VIRTUAL MACHINE\\Virtual Machines.',
    ),
    rule(
        "trust",
        Fault.PAIR,
        "The hosts do not trust each other's keys or domain: check the trust, the computer accounts and certificates.",
    ),
    rule(
        "sid",
        Fault.OPERATOR,
        "An account could not be resolved: check domain trust and the hosts' computer accounts.",
        text="No mapping between account names and security IDs",
        is_shared=True,
    ),
    rule(
        "migration-port",
        Fault.PAIR,
        "TCP 6600 is closed between the hosts: check firewall and listener.",
    ),
    rule(
        "name-unknown",
        Fault.PAIR,
        f"The source does not find the destination by its name or address: {_NAMES}",
        text="\\bcomputer .{0,80}could not be resolved|server name cannot be resolved|No such host is known",
        fqid="^(ComputerNotFound|HRESULT 0x803381B9|HRESULT 0x803380E4)",
    ),
    rule("no-answer", Fault.PASSING, "The destination did not answer on its migration network."),
    rule(
        "networks-apart",
        Fault.PAIR,
        "The source has no address in the networks on which the destination takes migrations: allow one they share.",
    ),
    rule("network", Fault.PASSING, "The migration network dropped."),
    rule("rpc", Fault.PASSING, "A service of one of the hosts could not be called just now."),
    rule(
        "service-away",
        Fault.PASSING,
        "The Virtual Machine Management Service of a host is starting, or was away for a moment.",
        text="trying to access an object on computer|Virtual Machine Management service .{0,40}is (not )?running",
        fqid="^(VMMSNotRunning|ServiceNotRunning)",
    ),
    rule(
        "service-disabled",
        Fault.PAIR,
        "A service that migrations need is switched off or not installed on one of the hosts: start it, or install it.",
        is_hosts=True,
    ),
    rule(
        "access-denied",
        Fault.PAIR,
        "Rights or delegation are missing between the hosts: migrate-bot check with --vm and --to looks for which.",
        fqid="^AccessDenied",
        about=((Subject.OWN_FILE, "file-denied"), (Subject.DESTINATION_FOLDER, "folder-denied")),
    ),
    rule(
        "winrm-quota",
        Fault.PASSING,
        "Too many WinRM sessions of the bot's account on that host: look who else uses it, or raise MaxShellsPerUser.",
        text="maximum number of (\\d+ )?concurrent (shells|operations)",
    ),
    rule(
        "hop-a-closed",
        Fault.PAIR,
        "The destination lets nobody in by WinRM: check its session configurations and policies.",
        is_hosts=True,
    ),
    rule(
        "contact-lost",
        Fault.PASSING,
        "Contact was lost while the move may have run; both hosts were looked at before the next try.",
        text="\\bread timed out|\\bconnection (was )?(aborted|lost|broken)\\b",
    ),
    rule(
        "login",
        Fault.OPERATOR,
        "A host rejects the login of the bot's account: check username, password and authentication method.",
        text="\\bHTTP\\b.{0,20}\\b401\\b|\\b401 Unauthorized|\\bfailed to authenticate the user\\b",
    ),
    # ------------------------------------------------------------------ limits and memory of a host
    # Both limits speak of a "migration limit"; only one of them says "storage".
    rule(
        "storage-limit",
        Fault.LIMIT,
        "The host already runs its maximum of storage migrations.",
        text="storage migration limit",
    ),
    rule(
        "live-limit",
        Fault.LIMIT,
        "The host already runs its maximum of live migrations.",
        text="migration limit .{0,6}\\d+.{0,6} was reached|maximum (virtual machine|live) migration limit|"
        "\\blimit .{0,2}\\d+.{0,2} was reached, please wait",
    ),
    rule(
        "no-memory",
        Fault.PASSING,
        "Not enough free memory on the destination: free some, or choose another host.",
        text="could not initialize memory",
        fqid="^OutOfMemory",
    ),
    # ------------------------------------------------------------------ a host's settings
    rule(
        "no-right",
        Fault.OPERATOR,
        "The bot's account is not in Hyper-V Administrators on that host: add it there.",
        text="do not have the required permission to complete this task",
        is_shared=True,
    ),
    rule(
        "listener-off",
        Fault.PAIR,
        "The host does not listen for migrations: enable live migration there, run gpupdate.",
        text="disabled the listener for Virtual Machine migration connections",
        is_hosts=True,
    ),
)
