"""Cuts a typed command into words, keeping where each stood.

Not ``shlex``: backslashes belong to paths, ``O'Brien`` is a name, and a mistake must point at its place.
"""

from dataclasses import KW_ONLY, dataclass

_SINGLES = ("'", "`")
"""A quote that may also be a letter of a name; back-ticks come with names copied from a card."""
_DOUBLE = '"'


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its text without quotes, where it stood (``start`` to ``end``), and whether it began with a quote."""

    text: str
    start: int
    end: int
    _: KW_ONLY
    is_quoted: bool = False
    is_comma: bool = False


class UnclosedQuote(ValueError):
    """A double quote that is never closed; ``start`` is where it stands."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


def words(text: str) -> list[Token]:
    """Cut a text at white space and commas outside quotes.

    Double quotes hold white space and commas together; ``""`` inside them is one double quote. Single quotes and
    back-ticks do so only around a whole word, because they are letters of names too.

    Raises:
        UnclosedQuote: a double quote is never closed.

    """
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == ",":
            found.append(Token(",", at, at + 1, is_comma=True))
            at += 1
        else:
            word = _single_quoted(text, at) or _plain(text, at)
            found.append(word)
            at = word.end
    return found


def _ends_word(text: str, at: int) -> bool:
    return at >= len(text) or text[at].isspace() or text[at] == ","


def _single_quoted(text: str, start: int) -> Token | None:
    quote = text[start]
    if quote not in _SINGLES:
        return None
    at = text.find(quote, start + 1)
    while at != -1:
        if _ends_word(text, at + 1):
            return Token(text[start + 1 : at], start, at + 1, is_quoted=True)
        at = text.find(quote, at + 1)
    return None


def _plain(text: str, start: int) -> Token:
    letters: list[str] = []
    at, opened = start, -1
    while at < len(text) and (opened >= 0 or not _ends_word(text, at)):
        char = text[at]
        if char != _DOUBLE:
            letters.append(char)
        elif opened >= 0 and text[at + 1 : at + 2] == _DOUBLE:
            letters.append(char)
            at += 1
        else:
            opened = -1 if opened >= 0 else at
        at += 1
    if opened >= 0:
        raise UnclosedQuote(opened)
    return Token("".join(letters), start, at, is_quoted=text[start] == _DOUBLE)
