"""Decides which VMs a person means: names, globs, ids or ``all``, on the hosts they named."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import translate
from uuid import UUID

from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.names import NameIndex, fold, odd_signs, unmarked, without_open_marks
from core.errors import AmbiguousVm, NothingToMove, UnknownVm

Selected = tuple[HostName, Vm]
_NAMED = 10


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one word of a request was understood as; ``remark`` says so where people could have meant something else."""

    hits: tuple[Selected, ...]
    remark: str = ""


def select(
    wanted: Sequence[str], sources: Sequence[Snapshot], elsewhere: Sequence[Snapshot] = ()
) -> tuple[Selected, ...]:
    """Find the VMs on the source hosts; each once, in the order asked. A replica has the id of its primary.

    ``elsewhere`` are other hosts' snapshots, to say where a VM is instead.

    Raises:
        UnknownVm: a name, id or glob fits nothing.
        AmbiguousVm: a name fits several VMs.
        NothingToMove: ``all`` of hosts that have no VM.

    """
    found: dict[object, Selected] = {}
    for reading in _Selection(sources, elsewhere).read(wanted):
        for host, vm in reading.hits:
            found.setdefault(vm.id, (host, vm))
    return tuple(found.values())


def remarks(wanted: Sequence[str], sources: Sequence[Snapshot]) -> tuple[str, ...]:
    """Say what patterns stand for, and which marks were taken for Slack's. Raises what ``select`` does."""
    return tuple(reading.remark for reading in _Selection(sources, ()).read(wanted) if reading.remark)


def _one_of_each(sources: Sequence[Snapshot]) -> list[Selected]:
    """Return every VM once: of several with one id the one that is no replica, else the first."""
    everything = [(snapshot.host, vm) for snapshot in sources for vm in snapshot.vms if not vm.is_planned]
    best: dict[VmId, Selected] = {}
    for one in everything:
        _, vm = one
        known = best.get(vm.id)
        if known is None or (known[1].is_replica and not vm.is_replica):
            best[vm.id] = one
    return [one for one in everything if best[one[1].id] is one]


class _Selection:
    """The VMs to choose from, and how words of a request are read."""

    def __init__(self, sources: Sequence[Snapshot], elsewhere: Sequence[Snapshot]) -> None:
        self._where = " or ".join(snapshot.host for snapshot in sources)
        self._elsewhere = elsewhere
        self._unreadable = _unreadable(sources)
        self._everything = _one_of_each(sources)
        self._by_name: defaultdict[str, list[Selected]] = defaultdict(list)
        for one in self._everything:
            self._by_name[one[1].name].append(one)
        self._by_id = {one[1].id: one for one in self._everything}
        self._index = NameIndex(self._by_name)

    def read(self, wanted: Sequence[str]) -> list[_Reading]:
        """Read every word, those between two marks together."""
        plain = without_open_marks(list(wanted))
        return [self._one(text, bare) for text, bare in zip(wanted, plain, strict=True)]

    def _one(self, text: str, bare: str) -> _Reading:
        """Read a word: as a name, an id or ``all``, as such between marks, else as a pattern."""
        # The plain name first: Hyper-V allows brackets, and 32 hexadecimal digits, in a VM's name.
        if hits := self._itself(text):
            return _Reading(hits)
        inside = unmarked(bare)
        if inside != text and (hits := self._itself(inside)):
            if fold(inside) == "all" and self._fitting(text):
                raise AmbiguousVm(
                    f"{text} may be all VMs in bold, or those with all in their names.",
                    hint="Say all without marks, or name the VMs.",
                )
            return _Reading(hits, self._of_marks(text, inside, hits))
        if _is_pattern(text):
            hits = self._fitting(text)
            if not hits:
                raise UnknownVm(f"No VM on {self._where} fits {text}.", hint=self._unreadable)
            return _Reading(hits, f"{text} stands for {_listed(hits)}.")
        raise UnknownVm(f"{inside} is not on {self._where}.", hint=self._hint(inside) or self._unreadable)

    def _itself(self, text: str) -> tuple[Selected, ...]:
        """Find what a word names by itself. Raises AmbiguousVm, NothingToMove."""
        if fold(text) == "all":
            if not self._everything:
                raise NothingToMove(f"There is no VM on {self._where}.", hint=self._unreadable)
            return tuple(self._everything)
        hits = [one for name in self._index.exactly(text) for one in self._by_name[name]]
        vm_id = _as_id(text)
        if not hits and vm_id is not None and vm_id in self._by_id:
            return (self._by_id[vm_id],)
        if len(hits) > 1:
            ids = ", ".join(f"{vm.id} on {host}" for host, vm in hits)
            raise AmbiguousVm(
                f"There are {len(hits)} VMs called {text} on {self._where}.", hint=f"Say which by id: {ids}."
            )
        return tuple(hits)

    def _fitting(self, text: str) -> tuple[Selected, ...]:
        pattern = re.compile(translate(text), re.IGNORECASE)
        return tuple(one for one in self._everything if pattern.match(one[1].name))

    def _of_marks(self, text: str, inside: str, hits: Sequence[Selected]) -> str:
        if not _is_pattern(text):
            return ""
        others = [one for one in self._fitting(text) if one not in hits]
        return f"{text} is read as {inside} in bold. As a pattern it would fit {_listed(others)} too." if others else ""

    def _hint(self, text: str) -> str:
        for snapshot in self._elsewhere:
            here = NameIndex(vm.name for vm in snapshot.vms).meant(text)
            for vm in snapshot.vms:
                if vm.name in here or text.casefold() == str(vm.id):
                    return f"It is on {snapshot.host}."
        names = {fold(name): name for name in self._by_name}
        near = [names[name] for name in get_close_matches(fold(text), list(names), n=3, cutoff=0.6)]
        if not near:
            return ""
        signs = odd_signs(text, near[0])
        return f"Did you mean {' or '.join(near)}?" + (f" They differ: {signs}." if signs else "")


def _is_pattern(text: str) -> bool:
    return any(char in text for char in "*?[")


def _listed(hits: Sequence[Selected]) -> str:
    names = ", ".join(vm.name for _, vm in hits[:_NAMED])
    more = f" and {len(hits) - _NAMED} more" if len(hits) > _NAMED else ""
    return f"{len(hits)} VM{'' if len(hits) == 1 else 's'}: {names}{more}"


def _unreadable(sources: Sequence[Snapshot]) -> str:
    """Say that it may be one of the VMs that could not be read, if there are any."""
    found = next((one.text for snapshot in sources for one in snapshot.unreadable), "")
    return f"A VM there could not be read: {found}" if found else ""


def _as_id(text: str) -> VmId | None:
    try:
        return VmId(UUID(text))
    except ValueError:
        return None
