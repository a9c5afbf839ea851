"""The words of ``/migrate help`` and its topics."""

from collections.abc import Mapping

TOPICS: Mapping[str, str] = {
    "migrate": (
        "*Move VMs*\n"
        "`/migrate web01,web02 from HV01 to HV02 path D:\\VMs`\n"
        "VMs are names, ids, `SRVSP*` or `all`; put names with spaces in quotes. Several hosts: `to HV02,HV03`. "
        "Without `path` they go to the host's own default folder. You get a plan first; somebody else approves it."
    ),
    "path": (
        "*path*: the folder on the destination\n"
        "`/migrate web01 from HV01 to HV02 path D:\\My VMs`\n"
        "A folder or a share such as `\\\\fs01\\vms`. Quotes are needed only if it holds words like `to` or `at`."
    ),
    "options": (
        "*Options*, as `--parallel 2`, `parallel=2` or `parallel 2` at the end\n"
        "`parallel` how many at a time · `attempts` tries per VM · `backup-wait` how long to wait for a backup "
        "(`1h30m`) · `ignore-backups` start whatever backups are expected · `subfolder` a folder for each VM · "
        "`keep-drives` same drive letters · `apart` names "
        "(`dc*`) that go to different hosts · `fail-fast` start nothing "
        "more after a failure · `at` when to start (`22:00` or `2026-11-23T22:00`, your time) · `until` when all "
        "should be over, you are warned when it no longer fits · `override` why it may start in a freeze · `reason` why"
    ),
    "status": "*status*: how a job stands, the job a VM is in, or every job that is not over\n"
    "`/migrate status J1` or `/migrate status web01`",
    "jobs": "*jobs*: the newest jobs\n`/migrate jobs`",
    "hosts": "*hosts*: which hosts answer, and their free slots\n`/migrate hosts`",
    "where": "*where*: where a VM is now, as the hosts show it\n`/migrate where web01`",
    "handover": "*handover*: what runs, waits, failed and needs a decision, in ten lines\n`/migrate handover`",
    "insights": "*insights*: what moved lately, what was slow, who failed and why, what was waited for\n"
    "`/migrate insights` or `/migrate insights 90d`",
    "pause": "*pause*: start nothing more of one job for now; what moves goes on\n`/migrate pause J1`",
    "back": "*back*: make a new plan that moves back what a job moved\n`/migrate back J1`",
    "cancel": (
        "*cancel*: end a job, or one VM of it\n`/migrate cancel J1` or `/migrate cancel J1 web01`\n"
        "What waits is not started; what moves is asked to stop where it is safe."
    ),
    "stop": "*stop*: the big red button. Nothing new starts, in any job, until `resume`\n`/migrate stop`",
    "resume": "*resume*: let moves start again after `stop`, one job after `pause`, or a VM that its owner holds\n"
    "`/migrate resume`, `/migrate resume J1` or `/migrate resume J1 web01`",
    "retry": "*retry*: make a new plan of what did not get done\n`/migrate retry J1`",
    "history": "*history*: everything that happened to a job\n`/migrate history J1`",
}


def overview(command: str) -> list[str]:
    """Explain everything on one screen."""
    texts = [
        TOPICS["migrate"].replace("*Move VMs*", "*Move VMs between Hyper-V hosts*"),
        (
            "`/migrate status J1` how it stands · `/migrate jobs` all jobs · `/migrate hosts` free slots\n"
            "`/migrate where web01` where a VM is · `/migrate handover` what matters now\n"
            "`/migrate insights` what was slow or failed lately\n"
            "`/migrate cancel J1` end it · `/migrate pause J1` hold it · `/migrate resume J1` go on\n"
            "`/migrate retry J1` what did not get done · `/migrate back J1` the return trip\n"
            "`/migrate history J1` what happened · `/migrate stop` start nothing more · `/migrate resume` start again"
        ),
        f"More: `/migrate help options`. Topics: {', '.join(TOPICS)}.",
    ]
    return [text.replace("/migrate", command) for text in texts]
