"""The error of a typed command that cannot be understood: where, why, and what would be right."""

from core.errors import RequestError


class CommandError(RequestError):
    """A command that cannot be understood.

    ``start`` to ``end`` is the place in the cleaned text, ``fix`` what should stand there, ``example`` a whole
    command that is right, ready to copy.
    """

    def __init__(self, message: str, start: int, end: int, fix: str) -> None:
        super().__init__(message)
        self.start = start
        self.end = end
        self.fix = fix
        self.example = ""
