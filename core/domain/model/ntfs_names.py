"""Which names are one name to NTFS: letter by letter by its upper-case table, and never by how Unicode folds words.

So ``straße`` and ``strasse`` are two files, and so are ``é`` in one letter and in two. The table is the one that
volumes have had since Windows Vista: Unicode 5.0, one UTF-16 unit to one (seen: open NTFS drivers build the same).
"""

_LAST = 0x2CE3
_FAR = (range(0x2D00, 0x2D26), range(0xFF41, 0xFF5B))
"""Beyond the last letter only these have upper case: Georgian and full-width ones."""
_AS_THEY_ARE = frozenset(
    "\u00b5\u0131\u017f\u019b\u01c5\u01c8\u01cb\u01f2\u023f\u0240\u0250\u0251\u0252\u025c\u0261\u0264\u0265\u0266\u026a"
    "\u026c\u0271\u0282\u0287\u029d\u029e\u0345\u0371\u0373\u0377\u03d0\u03d1\u03d5\u03d6\u03d7\u03f0\u03f1\u03f3\u03f5"
    "\u1d79\u1d8e\u1e9b\u1efb\u1efd\u1eff\u1fbe\u2c5f\u2c73"
) | frozenset(
    map(chr, (*range(0x0515, 0x0530), *range(0x10D0, 0x1100), *range(0x13F8, 0x13FE), *range(0x1C80, 0x1C8B)))
)
"""Letters that newer versions of Unicode give an upper case, or an older form of another letter: not to NTFS."""


def _upper(char: str) -> str:
    """Return the one letter that is a letter's upper case; some have an upper case of several, and one as a title."""
    return next((one for one in (char.upper(), char.title()) if len(one) == 1), char)


_TABLE = {
    ord(char): upper
    for char in map(chr, (*range(_LAST + 1), *_FAR[0], *_FAR[1]))
    if char not in _AS_THEY_ARE and (upper := _upper(char)) != char
}


def upcase(name: str) -> str:
    """Return a name as NTFS compares it: two names are one where this is the same."""
    return name.upper() if name.isascii() else name.translate(_TABLE)
