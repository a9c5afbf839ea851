"""The rules about files, volumes and the VM itself, and last what is left: a command that was not carried out."""

from core.domain.attempt.error_rule import Rule, rule
from core.domain.attempt.subject import Subject
from core.domain.model.move import Fault

# Within each handle the first rule that fits wins: what is more special stands before the general.
VM_RULES: tuple[Rule, ...] = (
    # ------------------------------------------------------------------ files and volumes
    rule(
        "file-denied",
        Fault.VM,
        "A host may not open this file of the VM: set the file's permissions right, or eject it if it is an ISO.",
    ),
    rule(
        "folder-denied",
        Fault.HOST,
        "The destination may not write into this folder: set its permissions right, or choose another path.",
    ),
    rule(
        "file-missing",
        Fault.VM,
        "A file or folder that the VM uses is not where the host looks for it: put it there, or detach it.",
        about=((Subject.DESTINATION_FOLDER, "folder-missing"),),
        is_shared=True,
    ),
    rule(
        "folder-missing",
        Fault.HOST,
        "The destination has no such folder or drive: make it, or choose another path.",
    ),
    rule(
        "path-wrong",
        Fault.VM,
        "Windows does not take this path: it is too long, or no path at all. Choose a shorter one.",
        is_shared=True,
    ),
    rule(
        "share",
        Fault.VM,
        "The server with a file of the VM does not answer as it should: look at that share, or detach the file.",
        is_shared=True,
    ),
    rule(
        "iso",
        Fault.VM,
        "An image or a drive of its host is mounted that the destination cannot open: eject it.",
        text="virtual disk support provider for the specified file was not found|MessageId\\W{0,3}40010\\b",
    ),
    rule(
        "vhd-chain",
        Fault.VM,
        "A parent of the virtual disk is missing, in use, or not the one it was: look at the chain with Get-VHD.",
    ),
    rule(
        "vhd-broken",
        Fault.VM,
        "The virtual disk is damaged, or of a kind that this host does not know: look at it with Test-VHD.",
    ),
    rule(
        "file-system",
        Fault.VM,
        "The volume cannot hold this file as it is (too many fragments, sparse, compressed or too large): another try"
        " copies it all again and ends the same. Choose another volume, or defragment or uncompress.",
        is_shared=True,
    ),
    rule(
        "disk-hardware",
        Fault.VM,
        "A disk could not be read or written: look at the storage and the file before anything else.",
        is_shared=True,
    ),
    rule("write-protected", Fault.HOST, "The destination volume may not be written to."),
    rule(
        "disk-full",
        Fault.OPERATOR,
        "The destination volume is full: free space on it, or choose another host or path.",
        text="not enough space on the disk",
    ),
    rule(
        "leftover",
        Fault.OPERATOR,
        "A file of that name lies in the destination folder. Do not delete it before you know whose it is: it may be"
        " the disk of another VM, or its parent.",
        text="\\bthe file exists|\\bfile already exists",
    ),
    rule(
        "vm-copy",
        Fault.OPERATOR,
        "Something of that VM's id is on the destination already: look at it before deleting it.",
    ),
    rule("file-in-use", Fault.PASSING, "A file is held by somebody."),
    rule(
        "saved-state",
        Fault.OPERATOR,
        "The saved state is unusable; somebody must decide whether to delete it.",
        text="saved state data cannot be read",
    ),
    # ------------------------------------------------------------------ a VM
    # Of a VM that does not fit, the host first says so in general, then why: the reasons before the general words.
    rule(
        "clustered",
        Fault.VM,
        "This VM belongs to a cluster; use the cluster's tools.",
        text="clustered virtual machine|virtual machine .{0,80}is clustered",
    ),
    rule(
        "switch-missing",
        Fault.VM,
        "The destination has no such virtual switch: create it, or reconnect the adapter.",
        text="Could not find Ethernet switch|MessageId\\W{0,3}33012\\b",
    ),
    rule(
        "vtpm",
        Fault.VM,
        "The vTPM certificates are missing on the destination: export and import them.",
        text="key protector for the virtual machine|Virtual TPM Device .{0,120}is not compatible",
    ),
    rule(
        "version",
        Fault.VM,
        "The destination is older than the VM's configuration version: choose a host whose Windows is as new.",
        text="(configuration|virtual machine) version .{0,120}not supported",
    ),
    rule(
        "shared-disk",
        Fault.VM,
        "Shared disks cannot be moved this way: detach the disk first, or use the cluster's tools.",
        text="shared (VHDX|virtual (hard )?disk)|persistent reservation",
    ),
    rule(
        "cpu",
        Fault.VM,
        "The processors differ, or what is switched on in them. Turn on processor compatibility while the VM is off; if"
        " it is on already, the hosts differ in firmware or microcode: bring them to the same, or move it while off.",
        text="processor-specific features not supported|hardware on the destination computer is not compatible",
    ),
    rule("numa", Fault.VM, "The destination's memory is laid out in another way: change the VM's NUMA settings."),
    rule(
        "migration-off",
        Fault.PAIR,
        "Live migration is switched off on one of the hosts: switch it on with Enable-VMMigration.",
        text="migrations? (is|are) (disabled|not enabled)|not enabled for (live |virtual machine )?migration",
        is_hosts=True,
    ),
    rule(
        "prompt",
        Fault.BOT,
        "A command asked for confirmation; nothing was done. A bug of migrate-bot: please report it.",
        text="command that prompts the user failed",
    ),
    rule(
        "busy",
        Fault.PASSING,
        "Something else was changing the VM: let it end, such as a backup, a checkpoint or a merge.",
        text="is currently performing the following operation|is being modified by another operation|"
        "Rolling back the virtual machine configuration",
        fqid="^(ObjectInUse|InvalidState)",
    ),
    rule("cancelled", Fault.CANCELLED, "Somebody ended the migration on its host."),
    rule(
        "hop-a",
        Fault.PASSING,
        "The source cannot reach the destination by WinRM: check its name, the firewall and the WinRM service.",
        text="WS-Management service cannot process the request|client cannot connect to the destination specified|"
        "WinRM cannot complete the operation",
    ),
    rule(
        "vm-gone",
        Fault.VM,
        "The VM is no longer on the source: look where it is now; somebody moved, renamed or removed it.",
        text="unable to find a virtual machine",
    ),
    rule("slow", Fault.PASSING, "The Hyper-V service is slow.", fqid="^(OperationTimeout|StatusUnavailable)"),
    rule(
        "endpoint",
        Fault.BOT,
        "The endpoint does not allow this command, or the bot sent a wrong one: run migrate-bot check.",
        fqid="ScriptsNotAllowed|CommandNotFoundException|ProviderNotFound|Parameter(Binding|Argument)|ParameterNotFound|"
        "AmbiguousParameterSet|MissingMandatoryParameter|CannotConvertArgument",
    ),
)
