"""What people did in the workspace, in order: what they typed, pressed and sent, and when."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a person did. `at_s` is the workspace's clock; `what` a verb, `words` what it was done to."""

    at_s: float
    user_id: str
    what: str
    words: str
