"""Undoes what message boxes, keyboards and copying do to a typed command: links, entities, emoji codes, lists, quotes.

The order matters: links and mentions first (typed ``&lt;@U1&gt;`` must stay text), then entities (``&amp;`` last,
once), then lists while there are lines, then quotes and dashes, then spaces. Backslashes are never touched: they belong
to Windows paths. What stands in double quotes keeps its letters as they are.
"""

import re
import unicodedata

from emoji import emojize

_LINK = re.compile(r"<((?:https?|ftp|mailto|tel):[^|<>]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_MENTION = re.compile(r"<([@#])([A-Z0-9]+)(?:\|([^<>]*))?>")
_SPECIAL = re.compile(r"<!([^|<>]+)(?:\|([^<>]*))?>")
_SCHEME = re.compile(r"^(?:https?://|ftp://|mailto:|tel:)", re.IGNORECASE)
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
)
# Figure dash, en dash, em dash, horizontal bar: what "--" becomes on its way.
_DASH = re.compile(r"""("[^"]*")|(?<![^\s,])[\u2012-\u2015]+-?(?=\w)""")
_QUOTED = re.compile(r"""("[^"]*")""")
# An ideographic comma and a full stop of the same width; the other full-width signs are folded by NFKC.
_WIDE = re.compile(r"[\uff01-\uff5e\u3001]")
_CODE = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-(\d):)?", re.IGNORECASE)
_FLAG = re.compile(r"flag-([a-z]{2})", re.IGNORECASE)
_BULLET = re.compile(r"(?:^|(?<=\s))[\u2022\u25e6\u25aa\u2023\u26d4]\ufe0f?(?=\s)|^[ \t]*-(?=\s)", re.MULTILINE)
# One star before a word is the pattern that fits everything; under each other they are a list.
_STARS = re.compile(r"^[ \t]*\*(?=\s+\S)", re.MULTILINE)
_NUMBER = re.compile(r"^[ \t]*\d{1,3}[.)](?=\s+\S)", re.MULTILINE)
# What a card says about a VM behind its name: "live, 41 GB".
_ABOUT = re.compile(r"[ \t]+(?:live|off), [\d.]+ [KMGT]?B\b(?:[ \t]*\u2192[^\n]*)?[ \t]*$", re.MULTILINE)
# A sign beside a space formats nothing.
_MARKED = re.compile(r"([`*_~])(?! )((?:(?!\1).)+)(?<! )\1")
_FENCE = re.compile(r"```")
_SPACES = re.compile(r"""("[^"]*")|\s+""")


def clean(text: str) -> str:
    """Return what the person meant to type, in one line."""
    text = _LINK.sub(_link, text)
    text = _MENTION.sub(_mention, text)
    text = _SPECIAL.sub(_special, text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    text = _emoji(_without_list(_FENCE.sub("\n", text)))
    text = text.translate(_QUOTES)
    text = _QUOTED.sub(lambda found: found[1], text)
    text = "".join(part if part.startswith('"') else _narrow(part) for part in _QUOTED.split(text))
    text = "".join(map(_visible, text))
    text = _DASH.sub(lambda found: found[1] or "--", text)
    return _without_marks(_SPACES.sub(lambda found: found[1] or " ", text).strip())


def _without_list(text: str) -> str:
    """Turn the lines of a list into names with commas between: bullets, numbers, and what a card says behind a name."""
    if _BULLET.search(text):
        text = _BULLET.sub(",", _ABOUT.sub("", text))
    if len(_STARS.findall(text)) > 1:
        text = _STARS.sub(",", text)
    return _NUMBER.sub(",", text) if len(_NUMBER.findall(text)) > 1 or _NUMBER.match(text) else text


def _emoji(text: str) -> str:
    """Turn emoji codes back into the signs that were typed; what is no emoji stays."""
    return _CODE.sub(_sign, text) if _CODE.search(text) else text


def _sign(found: re.Match[str]) -> str:
    name, tone = found[1].lower(), found[2]
    if flag := _FLAG.fullmatch(name):
        return "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in flag[1])
    sign = emojize(f":{name}:", language="alias")
    if sign == f":{name}:":
        # Slack names some by their Unicode name, which the table has only under another.
        try:
            sign = unicodedata.lookup(name.replace("_", " "))
        except KeyError:
            return found[0]
    return sign + (chr(0x1F3F9 + int(tone)) if tone and tone in "23456" else "")


def _narrow(text: str) -> str:
    """Compose letters, and make full-width letters and commas ordinary ones."""
    text = unicodedata.normalize("NFC", text)
    return _WIDE.sub(lambda found: "," if found[0] == "\u3001" else unicodedata.normalize("NFKC", found[0]), text)


def _without_marks(text: str) -> str:
    """Take off what formats the whole command: a code span, or bold from the first to the last sign."""
    whole = _MARKED.fullmatch(text)
    return whole[2] if whole and " " in whole[2] else text


def _link(found: re.Match[str]) -> str:
    if found[2]:
        return found[2]
    bare = _SCHEME.sub("", found[1])
    return bare.removesuffix("/") if bare.count("/") == 1 else bare


def _mention(found: re.Match[str]) -> str:
    # Only shown to people, as in a reason: nobody is ever identified by it. Private channels come with an empty label.
    return found[1] + (found[3] or found[2])


def _special(found: re.Match[str]) -> str:
    return found[2] or "@" + found[1].split("^")[0]


def _visible(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    if char.isspace():
        return " "
    # Zero-width characters, direction marks, soft hyphens and control characters come from paste and are never meant.
    return "" if unicodedata.category(char) in {"Cf", "Cc", "Cs"} else char
