"""A drill as its file describes it: what the team is told, what happens and when, and what a good answer is."""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.hyperv.world.strict import BadDescription

_FOLDER = resources.files("lab.drills")
_Count = Annotated[int, Field(ge=0)]
_Seconds = Annotated[float, Field(ge=0)]


class _Part(BaseModel):
    """A part of a drill's file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Part):
    """What must be so, all of it; what is not named does not matter."""

    at_s: _Seconds = 0.0
    """So much of the hosts' time has passed since the drill began."""
    moving: _Count = 0
    """At least so many of the bot's moves are under way."""
    asked: _Count = 0
    """At least so many plans were asked for."""
    approved: _Count = 0
    """Somebody approved at least so many jobs."""
    over: bool = False
    """No plan waits for a decision, no job runs, nothing moves, no page waits to be taken."""
    on: dict[str, tuple[str, ...]] = {}
    """Each VM is on one of these hosts, and does not move."""


class Step(_Part):
    """One thing that happens: an order to the controls of hosts, Slack or bot, once `when` is so."""

    when: When = When()
    wait_s: _Seconds = 0.0
    """So much of the hosts' time passes after that."""
    tells: str
    """What the last page says about it."""
    order: Annotated[str, Field(pattern=r"^(POST|PATCH|DELETE) /(hosts|control|bot)/[\w/]+$")]
    body: dict[str, Any] = Field(default={}, alias="with")
    """What is sent. A VM of the fleet is named by its name."""


class End(_Part):
    """When the drill is over: once every step was played and this is so, or at the latest after `at_most_s`."""

    when: When = When(over=True)
    at_most_s: Annotated[float, Field(gt=0)]
    """Of the hosts' time."""


class Good(_Part):
    """One thing that a good answer has in it. All of what is named must be so."""

    says: str
    better: str
    """What would have been better, when it is not so."""
    on: dict[str, tuple[str, ...]] = {}
    """At the end each VM is whole, on one of these hosts."""
    unmoved: tuple[str, ...] = ()
    """The bot never started a move of these VMs."""
    taken_within_s: _Seconds | None = None
    """Every page was taken within so many seconds of the clock on the wall."""
    happened: tuple[str, ...] = ()
    """At least one event of one of these kinds (docs/reference/events.md) is in the bot's history."""
    never: tuple[str, ...] = ()
    """No event of these kinds is."""
    jobs_at_most: _Count | None = None
    bot_runs: bool | None = None


class Drill(_Part):
    """A drill. `name` is that of its file."""

    name: str
    title: str
    briefing: tuple[str, ...]
    """Paragraphs that the team reads first."""
    fleet: Literal["try.toml", "demo.toml", "small.toml"] = "try.toml"
    speed: Annotated[float, Field(gt=0)] = 5.0
    """Seconds of the hosts in one of the clock on the wall."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    end: End
    good: Annotated[tuple[Good, ...], Field(min_length=1)]


@cache
def drill_names() -> tuple[str, ...]:
    """Return the names of all drills, in order."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


def load_drill(name: str) -> Drill:
    """Read a drill. Raises `BadDescription` with one sentence when there is none of that name, or it does not fit."""
    if name not in drill_names():
        raise BadDescription(f"There is no drill {name!r}; there are {', '.join(drill_names())}.")
    return drill_from(name, (_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def drill_from(name: str, text: str) -> Drill:
    """Read a drill from the text of its file. Raises `BadDescription`."""
    try:
        return Drill.model_validate({"name": name, **tomllib.loads(text)})
    except tomllib.TOMLDecodeError as error:
        raise BadDescription(f"{name}: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadDescription(f"{name}: {where}: {first['msg']}.") from None
