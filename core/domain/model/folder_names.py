r"""Judges the path of a folder that a person typed, by its letters alone, before any host hears of it.

Windows reads far more into a path than it shows: other machines (``\\server\share``), devices (``\\.\``, ``NUL``),
ways up (``..``), streams (``D:\VMs:x``), dots and blanks that vanish. Only a folder that means what it shows passes
(Microsoft docs: naming files, paths and namespaces).
"""

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 180
"""What Hyper-V puts below a folder has to fit into 260 characters as well."""
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
_FORBIDDEN = frozenset('<>"|?*')
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MEANINGFUL = frozenset('\\/:*?"<>|.')
_DEVICE_PATH = re.compile(r"[\\/]{2}[?.]|[\\/]\?\?")
_LOCAL = re.compile(r"[A-Za-z]:\\")
_SHARE = re.compile(r"\\\\[^\\]+\\[^\\]+")
_NO_SERVER = re.compile(r"[@:]")


def is_device(name: str) -> bool:
    """Whether Windows keeps a name for a device, whatever its ending: ``NUL``, ``com1.txt``."""
    return name.split(".", maxsplit=1)[0].rstrip().casefold() in _DEVICES


def normal(path: str) -> str:
    r"""Return the plain form of a path: ``D:/VMs\\x\`` becomes ``D:\VMs\x``. It makes no path any better."""
    text = path.replace("/", "\\")
    is_share, parts = text.startswith("\\\\"), [part for part in text.split("\\") if part]
    if len(parts) == 1 and not is_share and text[1:2] == ":":
        return f"{parts[0]}\\" if text[2:3] == "\\" else text
    return ("\\\\" if is_share else "") + "\\".join(parts)


def why_refused(path: str) -> str:
    """Say what is wrong with the path of a folder; empty when it means what it shows."""
    if not path.strip():
        return "it is empty"
    if len(path) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if any(unicodedata.category(char) in _HIDDEN for char in path):
        return "it holds a sign that nobody sees"
    if _DEVICE_PATH.match(path):
        return "it names a device, not a folder"
    plain = normal(path)
    if plain.startswith("\\\\"):
        if not _SHARE.match(plain):
            return "it names no share"
        server = plain[2:].split("\\", maxsplit=1)[0]
        if _NO_SERVER.search(server):
            return "its server is no plain name"
        parts = plain[2:].split("\\")
    elif _LOCAL.match(plain):
        parts = plain[3:].split("\\") if plain[3:] else []
    else:
        return "it does not begin with a drive, as D:\\ does"
    return next(filter(None, map(_why_no_name, parts)), "")


def _why_no_name(part: str) -> str:
    """Say why one part of a path is no name of a folder."""
    looks_like = _MEANINGFUL & {
        sign for char in part if not char.isascii() for sign in unicodedata.normalize("NFKC", char)
    }
    if part in {".", ".."}:
        return f"it holds {part}, which leads elsewhere"
    if ":" in part:
        return "it holds : after the drive, which names a stream"
    if forbidden := sorted(_FORBIDDEN & set(part)):
        return f"it holds {' '.join(forbidden)}, which no folder can be called"
    if looks_like:
        return f"it holds a sign that looks like {min(looks_like)}"
    if part[-1] in ". " or part[0] == " ":
        return "a part of it begins with a blank, or ends with a blank or a dot, which Windows leaves out"
    if is_device(part):
        return f"{part} is the name of a device"
    return ""


def is_allowed(path: str, allowed: Sequence[str]) -> bool:
    """Whether a folder that is not refused is one of these, or lies in one of them; case counts beyond ASCII."""
    return any(_key(path).startswith(_key(folder)) for folder in allowed)


def _key(path: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in normal(path)).rstrip("\\") + "\\"
