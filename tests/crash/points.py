"""Every point at which the bot is made to die, in which story, and what the next start has to make of it."""

from dataclasses import dataclass
from enum import StrEnum


class Story(StrEnum):
    """What people ask for and what the world does meanwhile. ``tests.crash.scenarios`` tells them."""

    ONE = "one VM"
    PLAIN = "three VMs"
    FAILING = "failing"
    BACKUP = "backup"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    SLACK_DOWN = "slack down"
    CHECKED = "hosts are asked"
    REPLANNED = "a host drops out"
    OWNED = "an owner holds a VM"

    @property
    def check_timeout(self) -> str:
        """How long the hosts may be asked about a plan before it can be approved; elsewhere they are not asked."""
        return "5m" if self is Story.CHECKED else "0s"

    @property
    def owners(self) -> str:
        """Whether owners of VMs are told; elsewhere nobody looks for any."""
        return "hold" if self is Story.OWNED else "off"

    @property
    def is_about_placing(self) -> bool:
        """Whether the speeds that were learned in an earlier telling would place its VMs otherwise."""
        return self in {Story.CHECKED, Story.REPLANNED}


class When(StrEnum):
    """The moment from which passes count."""

    START = "the start"
    CARD = "the card is shown"
    APPROVAL = "the approval is said"
    MOVING = "a VM is moving"
    DROPOUT = "a host drops out"


class Meanwhile(StrEnum):
    """What the migrations do while the bot is down."""

    CRAWL = "run on"
    """They go on, and still run when the bot comes back."""
    END = "end"
    """They end, and hosts forget their jobs."""


@dataclass(frozen=True, slots=True)
class Point:
    """One death (or two). ``meaning`` says what the next start finds and does."""

    name: str
    meaning: str
    story: Story = Story.ONE
    number: int = 1
    """Die at this pass."""
    since: When = When.START
    meanwhile: Meanwhile = Meanwhile.CRAWL
    is_at_card: bool = False
    """It falls into the posting of the card: people wait until the bot is up again before they click."""
    is_by_person: bool = False
    """It falls into the time between a person's click and its effect: Slack may show them an error."""
    is_said_again: bool = False
    """What the person wanted is not written down yet: they get no answer, and ask again."""
    then: str = ""
    """A second point, at which the restarted bot dies too."""

    def __str__(self) -> str:
        parts = [self.name if self.number == 1 else f"{self.name} #{self.number}"]
        if self.since is not When.START:
            parts.append(f"since {self.since}")
        if self.then:
            parts.append(f"then {self.then}")
        if self.meanwhile is Meanwhile.END:
            parts.append("moves end meanwhile")
        return ", ".join(parts)


_P = Point
_S = Story

_ASKING = (
    _P("hosts.inspect:before", "nothing is known of the request; ask again", is_by_person=True, is_said_again=True),
    _P("hosts.inspect:after", "nothing is known of the request; ask again", is_by_person=True, is_said_again=True),
    _P("hosts.list_folder:before", "nothing is known of the request; ask again", is_by_person=True, is_said_again=True),
    _P("hosts.list_folder:after", "nothing is known of the request; ask again", is_by_person=True, is_said_again=True),
    _P("store.add_job:before", "nothing is known of the request; ask again", is_by_person=True, is_said_again=True),
    _P("store.add_job:after", "the job is there; its card is posted", is_by_person=True, is_at_card=True),
    _P("store.claim_notices:before", "the card is still to be posted", is_at_card=True),
    _P("store.claim_notices:after", "was the card posted? looks, finds none, posts it", is_at_card=True),
    _P("people.tell[proposed]:before", "was the card posted? looks, finds none, posts it", is_at_card=True),
    _P("people.tell[proposed]:after", "was the card posted? looks, finds it, remembers where", is_at_card=True),
    _P("store.set_card:before", "was the card posted? looks, finds it, remembers where", is_at_card=True),
    _P("store.set_card:after", "was the card posted? looks, finds it", is_at_card=True),
    _P("store.notice_said:before", "was the card posted? looks, finds it", is_at_card=True),
    _P("store.notice_said:after", "the card is known to be posted; the job waits for its approval", is_at_card=True),
)
_APPROVING = (
    _P("store.change_job[running]:before", "not approved; click again", is_by_person=True, is_said_again=True),
    _P("store.change_job[running]:after", "approved, its moves are queued; they start", is_by_person=True),
    _P("people.tell[approved]:before", "was it said? looks, does not find it, says it"),
    _P("people.tell[approved]:after", "was it said? looks, finds it"),
    _P("people.show[running]:before", "the card is brought up to date"),
    _P("people.show[running]:after", "the card is brought up to date"),
)
_MOVING = (
    _P("store.begin_attempt:before", "the move is queued; it starts", _S.PLAIN),
    _P(
        "store.begin_attempt:after",
        "a reservation no host shows: waits for confirm_start, withdraws it, starts",
        _S.PLAIN,
    ),
    _P("store.begin_attempt:after", "the same for two reservations", _S.PLAIN, number=2),
    _P("hosts.inspect:before", "as after begin_attempt: nothing was sent", _S.PLAIN, since=When.APPROVAL),
    _P("hosts.inspect:after", "as after begin_attempt: nothing was sent", _S.PLAIN, since=When.APPROVAL, number=2),
    _P("store.change_move[starting]:before", "as after begin_attempt: nothing was sent", _S.PLAIN),
    _P("store.change_move[starting]:after", "as after begin_attempt: nothing was sent", _S.PLAIN),
    _P("hosts.move:before", "as after begin_attempt: nothing was sent", _S.PLAIN),
    _P("store.order_attempt:before", "as after begin_attempt: nothing was sent", _S.PLAIN),
    _P("store.order_attempt:after", "an order that may have gone out: waits for confirm_start, starts", _S.PLAIN),
    _P("hosts.move:accepted", "dies again before the move is its own", then="store.adopt_attempts:before"),
    _P("hosts.move:accepted", "dies again when the move is its own", then="store.adopt_attempts:after"),
    _P("hosts.move:accepted", "adopted: the hosts show it migrating, it is followed to its end", _S.PLAIN),
    _P("hosts.move:accepted", "the same for two moves", _S.PLAIN, number=2),
    _P("hosts.move:accepted", "adopted: the VM is on its destination already", _S.PLAIN, meanwhile=Meanwhile.END),
    _P("store.confirm_attempt:before", "adopted and followed", _S.PLAIN),
    _P("store.confirm_attempt:after", "adopted and followed", _S.PLAIN),
    _P(
        "store.confirm_attempt:after",
        "adopted: the VM is on its destination already",
        _S.PLAIN,
        meanwhile=Meanwhile.END,
    ),
    _P("people.tell[moving]:before", "was it said? looks, does not find it, says it; the move is adopted", _S.PLAIN),
    _P("people.tell[moving]:after", "was it said? looks, finds it; the move is adopted", _S.PLAIN),
    _P("hosts.observe:before", "the move is adopted", _S.PLAIN, since=When.MOVING),
    _P("hosts.observe:after", "the move is adopted", _S.PLAIN, since=When.MOVING, number=3),
    _P("store.claim_notices:before", "the move is adopted; what is to be said is said", _S.PLAIN, since=When.MOVING),
    _P("store.notice_said:before", "was it said? looks, finds it", _S.PLAIN, since=When.MOVING),
    _P("hosts.move:after", "adopted: the VM is on its destination, the reservation ends", _S.PLAIN),
)
_ENDING = (
    _P("store.change_move[verifying]:before", "adopted: looks on both hosts, finds it moved"),
    _P("store.change_move[verifying]:after", "adopted: looks on both hosts, finds it moved"),
    _P("store.end_attempt[cleaning]:before", "adopted: looks on both hosts, finds it moved", _S.PLAIN),
    _P("store.end_attempt[cleaning]:after", "its clean-up is done, the next VM starts", _S.PLAIN),
    _P("store.learn_speed:before", "its clean-up is done; the speed of this move is not learnt", _S.PLAIN),
    _P("store.learn_speed:after", "its clean-up is done"),
    _P("hosts.list_folder:before", "its clean-up is done", since=When.MOVING),
    _P("hosts.list_folder:after", "its clean-up is done", since=When.MOVING),
    _P("store.change_move[cleaning]:before", "its clean-up is done"),
    _P("store.change_move[cleaning]:after", "its clean-up is done: what was to be removed is known"),
    _P("hosts.remove_empty_folder:before", "its clean-up is done"),
    _P("hosts.remove_empty_folder:after", "its clean-up is done; the folder that is gone is no surprise"),
    _P("hosts.remove_empty_folder:after", "its clean-up is done from the start", number=2),
    _P("store.change_move[done]:before", "its clean-up is looked at again, then it is done"),
    _P("store.change_move[done]:after", "it is done; that is said", _S.PLAIN),
    _P("people.tell[done]:before", "was it said? looks, does not find it, says it", _S.PLAIN),
    _P("people.tell[done]:after", "was it said? looks, finds it", _S.PLAIN),
    _P("store.change_job[finished]:before", "every move has ended: the job is finished"),
    _P("store.change_job[finished]:after", "the job is finished; that is said"),
    _P("people.tell[finished]:before", "was it said? looks, does not find it, says it"),
    _P("people.tell[finished]:after", "was it said? looks, finds it"),
    _P("people.show[finished]:before", "the card is brought up to date"),
    _P("people.show[finished]:after", "the card shows the end already; that is remembered"),
    _P("store.set_card_final:before", "the card shows the end already; that is remembered"),
    _P("store.set_card_final:after", "nothing is left to do"),
)
_TWICE = (
    _P("hosts.move:accepted", "dies again while adopting; adopted once more", then="store.add_events[adopted]:before"),
    _P("hosts.move:accepted", "dies again after adopting; adopted once more", then="store.add_events[adopted]:after"),
    _P("hosts.move:before", "dies again while it withdraws the reservation", then="store.end_attempt[queued]:before"),
    _P("hosts.move:before", "dies again when it is withdrawn; the move starts", then="store.end_attempt[queued]:after"),
    _P("people.tell[done]:after", "dies again while looking; looks once more", then="people.tell[done]:before"),
)
_FAILING = (
    _P("store.end_attempt[queued]:before", "adopted: still on its source, tried again", _S.FAILING),
    _P("store.end_attempt[queued]:after", "the retry is due after its delay", _S.FAILING),
    _P("people.tell[retrying]:before", "was it said? looks, does not find it, says it", _S.FAILING),
    _P("people.tell[retrying]:after", "was it said? looks, finds it", _S.FAILING),
    _P(
        "store.begin_attempt:after",
        "the second attempt is a reservation no host shows: withdrawn, starts",
        _S.FAILING,
        2,
    ),
    _P("hosts.move:accepted", "the second attempt is adopted, the failure of the first is not its own", _S.FAILING, 2),
)
_BACKUP = (
    _P("store.change_move[queued]:before", "sees the backup and waits", _S.BACKUP),
    _P("store.change_move[queued]:after", "waits for the backup; that is said once", _S.BACKUP),
    _P("people.tell[held]:before", "was it said? looks, does not find it, says it", _S.BACKUP),
    _P("people.tell[held]:after", "was it said? looks, finds it", _S.BACKUP),
)
_CANCELLED = (
    _P("store.change_moves:before", "not cancelled; ask again", _S.CANCELLED, is_by_person=True, is_said_again=True),
    _P("store.change_moves:after", "cancelled, and that was said", _S.CANCELLED, is_by_person=True),
    _P("hosts.cancel:before", "adopted; the host is asked to cancel", _S.CANCELLED),
    _P("hosts.cancel:after", "adopted; asked again, or found cancelled", _S.CANCELLED),
    _P("store.end_attempt[cancelled]:before", "adopted: still on its source, cancelled", _S.CANCELLED),
    _P("store.end_attempt[cancelled]:after", "it is cancelled; that is said", _S.CANCELLED),
    _P("store.change_move[cancelled]:before", "the VM that waited is cancelled", _S.CANCELLED),
    _P("store.change_move[cancelled]:after", "the VM that waited is cancelled; that is said", _S.CANCELLED),
    _P("people.tell[cancel_asked]:before", "was it said? looks, does not find it, says it", _S.CANCELLED),
    _P("people.tell[cancelled]:after", "was it said? looks, finds it", _S.CANCELLED),
)
_STOPPED = (
    _P("store.set_switch:before", "not stopped; ask again", _S.STOPPED, is_by_person=True, is_said_again=True),
    _P("store.set_switch:after", "stopped: nothing starts", _S.STOPPED, is_by_person=True),
    _P("store.set_switch:after", "starts are allowed again", _S.STOPPED, 2, is_by_person=True),
    _P("people.tell[resumed]:before", "was it said? looks, does not find it, says it", _S.STOPPED),
    _P("people.tell[resumed]:after", "was it said? looks, finds it", _S.STOPPED),
)
_NO = (
    _P(
        "store.change_job[rejected]:before",
        "not rejected; reject again",
        _S.REJECTED,
        is_by_person=True,
        is_said_again=True,
    ),
    _P("store.change_job[rejected]:after", "rejected; that is said", _S.REJECTED, is_by_person=True),
    _P("people.tell[rejected]:after", "was it said? looks, finds it", _S.REJECTED),
    _P(
        "store.change_job[cancelled]:before",
        "not withdrawn; ask again",
        _S.WITHDRAWN,
        is_by_person=True,
        is_said_again=True,
    ),
    _P("store.change_job[cancelled]:after", "withdrawn; that is said", _S.WITHDRAWN, is_by_person=True),
    _P("people.tell[withdrawn]:before", "was it said? looks, does not find it, says it", _S.WITHDRAWN),
)
_SLACK_DOWN = (
    _P("store.notice_failed:before", "was it said? looks, finds it: Slack had taken it", _S.SLACK_DOWN),
    _P("store.notice_failed:after", "due again soon; looks, finds it: Slack had taken it", _S.SLACK_DOWN),
)
_CHECKED = (
    _P("hosts.compatibility_info:before", "the plan is unchecked: its hosts are asked", _S.CHECKED),
    _P("hosts.compatibility_info:after", "the plan is unchecked: its hosts are asked anew", _S.CHECKED),
    _P("hosts.compatibility_info:after", "one VM was asked about: both are, anew", _S.CHECKED, 2),
    _P("hosts.test_compatibility:before", "the plan is unchecked: its hosts are asked anew", _S.CHECKED),
    _P("hosts.test_compatibility:after", "the plan is unchecked: its hosts are asked anew", _S.CHECKED),
    _P(
        "hosts.inspect:before",
        "a host said no, nothing is placed anew: all is asked again",
        _S.CHECKED,
        since=When.CARD,
    ),
    _P(
        "hosts.inspect:after", "a host said no, nothing is placed anew: all is asked again", _S.CHECKED, since=When.CARD
    ),
    _P("hosts.compatibility_info:before", "placed anew, nobody knows: all is asked again", _S.CHECKED, 3),
    _P("hosts.test_compatibility:after", "the last answer is known to nobody: all is asked again", _S.CHECKED, 3),
    _P("store.change_job[proposed]:before", "what the hosts said is lost: all is asked again", _S.CHECKED),
    _P("store.change_job[proposed]:after", "the plan is checked: that is said, nobody is asked again", _S.CHECKED),
    _P("people.tell[checked]:before", "was it said? looks, does not find it, says it", _S.CHECKED),
    _P(
        "people.tell[checked]:after",
        "was it said? looks, finds it; click again",
        _S.CHECKED,
        is_by_person=True,
        is_said_again=True,
    ),
    _P("people.show[proposed]:before", "the card is brought up to date", _S.CHECKED),
    _P(
        "people.show[proposed]:after",
        "the card is brought up to date; click again",
        _S.CHECKED,
        is_by_person=True,
        is_said_again=True,
    ),
)
_REPLANNED = (
    _P("hosts.inspect:before", "still waits for the host that is off: placed anew", _S.REPLANNED, since=When.DROPOUT),
    _P("hosts.inspect:after", "still waits for the host that is off: placed anew", _S.REPLANNED, since=When.DROPOUT),
    _P("hosts.inspect:after", "the same, with all hosts looked at", _S.REPLANNED, 3, since=When.DROPOUT),
    _P("store.change_moves:before", "nothing is placed anew: it is, once", _S.REPLANNED),
    _P("store.change_moves:after", "placed anew; that is said, and nothing goes elsewhere again", _S.REPLANNED),
    _P("store.change_moves:after", "dies again while it says so", _S.REPLANNED, then="people.tell[replanned]:after"),
    _P("people.tell[replanned]:before", "was it said? looks, does not find it, says it", _S.REPLANNED),
    _P("people.tell[replanned]:after", "was it said? looks, finds it", _S.REPLANNED),
)

_OWNED = (
    _P("hosts.notes:before", "the notes are read by the next start", _S.OWNED),
    _P("hosts.notes:after", "what was read is forgotten: it is read again", _S.OWNED),
    _P("store.change_job[running]:before", "what the owner is to hear is not noted: it is, once", _S.OWNED, 2),
    _P("store.change_job[running]:after", "it is noted: it is said, and not noted again", _S.OWNED, 2),
    _P(
        "people.tell[owner_told]:before",
        "was it said? looks in the direct message, does not find it, says it",
        _S.OWNED,
        is_by_person=True,
    ),
    _P(
        "people.tell[owner_told]:after",
        "was it said? looks in the direct message, finds it",
        _S.OWNED,
        is_by_person=True,
    ),
    _P("people.tell[owner_told]:after", "the same for the end", _S.OWNED, 3, is_by_person=True),
    _P("store.change_moves:before", "not held; say so again", _S.OWNED, is_by_person=True, is_said_again=True),
    _P("store.change_moves:after", "held, and nothing starts it", _S.OWNED, is_by_person=True),
    _P("people.tell[owner_held]:before", "was it said? looks, does not find it, says it", _S.OWNED),
    _P(
        "people.tell[owner_held]:after",
        "was it said? looks, finds it; bob, who said resume just then, says so again",
        _S.OWNED,
        is_by_person=True,
        is_said_again=True,
    ),
    _P("people.tell[owner_released]:before", "was it said? looks, does not find it, says it", _S.OWNED),
    _P("people.tell[owner_released]:after", "was it said? looks, finds it", _S.OWNED),
)

POINTS = (
    *_ASKING,
    *_APPROVING,
    *_MOVING,
    *_ENDING,
    *_TWICE,
    *_FAILING,
    *_BACKUP,
    *_CANCELLED,
    *_STOPPED,
    *_NO,
    *_SLACK_DOWN,
    *_REPLANNED,
    *_CHECKED,
    *_OWNED,
)

QUICK = frozenset(
    {
        (Story.ONE, "people.tell[proposed]:after"),
        (Story.ONE, "store.change_job[running]:after"),
        (Story.ONE, "hosts.remove_empty_folder:after"),
        (Story.PLAIN, "hosts.move:before"),
        (Story.PLAIN, "hosts.move:accepted"),
        (Story.CHECKED, "store.change_job[proposed]:before"),
        (Story.REPLANNED, "store.change_moves:after"),
        (Story.OWNED, "people.tell[owner_told]:after"),
    }
)
"""What is played in every run, by story and ``str`` of the point; everything else with ``--all-crash-points``."""
