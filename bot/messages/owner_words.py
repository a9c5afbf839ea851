"""What owners of VMs read: direct messages about their VMs of one job, and the lines about owners on its card. Pure."""

from collections.abc import Iterator

from bot.messages.blocks import NOT_NOW, RELEASE, Message, actions, button, confirm, context, sections
from bot.messages.card_parts import names
from bot.messages.mrkdwn import clock_time, code, mention, plural, said
from bot.messages.state_table import MOVE_STATES
from core.domain.model.event_data import STUCK_STATE, News, OwnerHeld, OwnerTold, VmNews
from core.domain.model.events import Notice
from core.domain.model.job import Job
from core.domain.model.move import MoveState
from core.domain.model.ownership import Found, Owned
from core.domain.model.units import span
from core.domain.model.views import JobView

_VMS = 20
_CARD_LINES = 4
_NAMED = 3

_WHY_NOT = {
    Found.UNKNOWN: "nobody in Slack is",
    Found.LEFT: "has left Slack:",
    Found.GUEST: "is a guest in Slack:",
    Found.OUTSIDER: "is from another workspace:",
    Found.BOT: "is no person:",
}


def to_owner(notice: Notice) -> Message:
    """Say to an owner what happens to his VMs."""
    job, told = notice.job, notice.event.data
    if not isinstance(told, OwnerTold):
        raise TypeError(told)
    headline = _headline(told, job)
    lines = [headline, *_vm_lines(told)]
    if told.about is News.APPROVED and told.ends_at:
        lines.append(f"{job.id} should be over about {clock_time(told.ends_at)}.")
    if told.about is News.APPROVED and job.plan.options.start_at:
        lines.append(f"Nothing of it starts before {clock_time(job.plan.options.start_at)}.")
    blocks = sections(lines)
    if told.about is News.APPROVED:
        if told.may_hold:
            blocks.append(actions(button("Not now", NOT_NOW, f"{job.id}|0")))
        blocks.append(context(_small_print(told)))
    return Message(_plain(headline), tuple(blocks))


def _headline(told: OwnerTold, job: Job) -> str:
    yours = "Your VM" if len(told.vms) == 1 else f"{len(told.vms)} of your VMs"
    are = "is" if len(told.vms) == 1 else "are"
    match told.about:
        case News.APPROVED:
            return f"🚚 *{yours} {are} going to be moved* in {job.id}, approved by {mention(told.by)}."
        case News.TROUBLE:
            return f"⚠️ *{yours} {'is' if len(told.vms) == 1 else 'are'} in trouble* in {job.id}."
        case News.RELEASED:
            return f"▶️ {mention(told.by)} released {yours[0].lower()}{yours[1:]} in {job.id}: the move may start."
        case News.ENDED:
            moved = sum(1 for vm in told.vms if vm.state == MoveState.DONE.value)
            icon = "✅" if moved == len(told.vms) else "⚠️"
            return f"{icon} *{job.id} is over for {'your VM' if len(told.vms) == 1 else 'your VMs'}*: {moved} moved."


def _small_print(told: OwnerTold) -> str:
    held = " You may hold what has not started yet." if told.may_hold else ""
    return f"You read this because you are named as the owner, {said(told.why)}.{held}"


def _plain(text: str) -> str:
    return text.replace("*", "")


def _vm_lines(told: OwnerTold) -> Iterator[str]:
    for vm in told.vms[:_VMS]:
        yield f"• {_vm_line(told.about, vm)}"
    if len(told.vms) > _VMS:
        yield f"… and {plural(len(told.vms) - _VMS, 'more VM')}."


def _vm_line(about: News, vm: VmNews) -> str:
    way = f"{code(vm.name)} {code(vm.source)} → {code(vm.destination)}"
    if about is News.APPROVED:
        return f"{way}, about {span(vm.seconds)}" if vm.seconds else way
    if about is News.RELEASED:
        return way
    if vm.state == STUCK_STATE:
        return f"🤔 {code(vm.name)} seems stuck on its way to {code(vm.destination)}: {said(vm.words, 240)}"
    if vm.state == MoveState.DONE.value:
        took = f", in {span(vm.seconds)}" if vm.seconds else ""
        return f"✅ {code(vm.name)} is on {code(vm.destination)} now{took}."
    words = MOVE_STATES[MoveState(vm.state)]
    why = f": {said(vm.words, 240)}" if vm.words else ""
    return f"{words.icon} {code(vm.name)} {words.card}{why}"


def held_line(text: str, data: OwnerHeld, job: Job) -> Message:
    """Say in the thread that an owner holds VMs, with the button that releases them."""
    asked = confirm("Let them start?", f"Their owner said not now: {data.words}", "Release", "Leave them")
    return Message(text, (*sections([text]), actions(button("Release", RELEASE, f"{job.id}|0", ask=asked))))


def owner_lines(view: JobView) -> Iterator[str]:
    """Say on the card who is told of which VMs, and of which nobody is, and why."""
    told = [one for one in view.owned if one.owner.hears]
    if told:
        who = ", ".join(f"{mention(one.owner.hears)} ({_vms(one)})" for one in told[:_CARD_LINES])
        more = f" and {plural(len(told) - _CARD_LINES, 'more owner')}" if len(told) > _CARD_LINES else ""
        yield f"👤 {'Told' if view.moves else 'Will be told'} as owner: {who}{more}."
    untold = [one for one in view.owned if not one.owner.hears]
    for one in untold[:_CARD_LINES]:
        yield f"👤 Nobody is told of {names(one.vms, _NAMED)}: {_why_not(one)}."
    if len(untold) > _CARD_LINES:
        hidden = sum(len(one.vms) for one in untold[_CARD_LINES:])
        yield f"👤 Nobody is told of {plural(hidden, 'more VM')} either."
    if view.owners_unknown and not view.is_over:
        yield f"👤 Owners cannot be looked for: {said(view.owners_unknown, 240)}"


def _vms(one: Owned) -> str:
    return code(one.vms[0]) if len(one.vms) == 1 else plural(len(one.vms), "VM")


def _why_not(one: Owned) -> str:
    if not one.owner.named:
        return said(one.owner.why, 200)
    who, reason = code(one.owner.named, 120), _WHY_NOT[one.owner.found]
    return f"{reason} {who}" if one.owner.found is Found.UNKNOWN else f"its owner {reason} {who}"
