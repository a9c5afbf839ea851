"""Tells what a host's sentence is about, by the names, ids and paths in it: they are the same in every language."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from core.domain.model import windows_paths
from core.domain.model.inventory import HostName, same_host
from core.domain.model.move import Move

_LEAST_NAME = 2
_ATTACHED = re.compile(r"\.(iso|vfd|vhdx?|avhdx?|vhds|vhdpmem|vmcx|vmrs|vsv|bin|vmgs)$", re.IGNORECASE)
"""What a VM's files are called. Source: Microsoft docs, Hyper-V virtual machine file types."""
QUOTES = "'\"`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f"
_WIDE = "\uff08\uff09\u3001\u3002"
"""Japanese brackets, comma and full stop."""
_PATH = re.compile(rf"(?:(?<![0-9A-Za-z])[A-Za-z]:\\|\\\\)[^{QUOTES}<>|?*\r\n]+")
_TAIL = re.compile(r"^(.*?\.(?:iso|vfd|vhdx?|avhdx?|vhds|vmcx|vmrs|vsv|bin|vmgs))(?![0-9A-Za-z])", re.IGNORECASE)


class Subject(Enum):
    """What a sentence can be about."""

    OWN_FILE = auto()
    """A file of the VM's own, or one that is attached to it."""
    DESTINATION_FOLDER = auto()
    """The place that the move goes to."""
    DESTINATION = auto()
    """The destination itself."""
    SOURCE = auto()
    """The source itself."""
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What belongs to one move, as hosts name it: ids, names and paths.

    ``address`` is how the source was told to reach the destination.
    """

    vm_id: str = ""
    vm_name: str = ""
    source: str = ""
    destination: str = ""
    address: str = ""
    path: str = ""
    files: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()

    @classmethod
    def of(cls, move: Move, address: str = "") -> "Names":
        """Gather what is known of a move."""
        before = move.before
        disks = (file.path for file in before.files) if before else ()
        return cls(
            vm_id=str(move.vm_id),
            vm_name=move.vm_name,
            source=move.source,
            destination=move.destination,
            address=address,
            path=move.path,
            files=(*disks, *(before.images if before else ())),
            switches=tuple(adapter.switch for adapter in before.adapters if adapter.switch) if before else (),
        )

    def names_vm(self, text: str) -> bool:
        """Whether a text names the VM by its id."""
        return bool(self.vm_id) and self.vm_id.casefold() in text.casefold()

    def names_vm_by_name(self, text: str) -> bool:
        """Whether a text quotes the VM's name."""
        return bool(self.vm_name) and self.vm_name.casefold() in _quoted(text)

    def names_destination(self, text: str) -> bool:
        """Whether a text names the destination, by its name or by the address that the source was given."""
        return _is_named(text, (self.destination, self.address))

    def names_source(self, text: str) -> bool:
        """Whether a text names the source."""
        return _is_named(text, (self.source,))

    def switch_in(self, text: str) -> str:
        """Return the switch of the VM that a text quotes; empty for none."""
        return next((switch for switch in self.switches if switch.casefold() in _quoted(text)), "")


@dataclass(frozen=True, slots=True)
class About:
    """What a text is about, with the path or host as the text says it."""

    subject: Subject
    name: str = ""


def about(text: str, names: Names) -> About:
    """Say what a text is about: a path says more than a host."""
    found = tuple(paths_in(text))
    own = [path for path in found if any(windows_paths.same(path, file) for file in names.files)]
    if own:
        return About(Subject.OWN_FILE, own[0])
    below = [path for path in found if names.path and windows_paths.is_below(path, names.path)]
    if below:
        return About(Subject.DESTINATION_FOLDER, below[0])
    attached = [path for path in found if _ATTACHED.search(path)]
    if attached:
        return About(Subject.OWN_FILE, attached[0])
    is_there, is_here = names.names_destination(text), names.names_source(text)
    if is_there is is_here:
        return About(Subject.UNCLEAR)
    return About(Subject.DESTINATION, names.destination) if is_there else About(Subject.SOURCE, names.source)


def paths_in(text: str) -> Iterable[str]:
    """Return the paths in a text; quotes of any language end them, and so does a known ending of a file."""
    for match in _PATH.finditer(text):
        whole = match[0].rstrip(" .,:;)" + _WIDE)
        file = _TAIL.match(whole)
        yield file[1] if file else whole


def _quoted(text: str) -> set[str]:
    return {part.casefold() for part in re.split(f"[{QUOTES}]", text)}


def _is_named(text: str, hosts: Iterable[HostName | str]) -> bool:
    words = {word.strip(".").casefold() for word in re.split(rf"[\s{QUOTES}(),:;{_WIDE}]+", text)}
    return any(len(host) >= _LEAST_NAME and any(same_host(host, word) for word in words if word) for host in hosts)
