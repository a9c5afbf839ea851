"""Decides whether a request is Slack's, from its headers and raw bytes alone; nothing of it is parsed before. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PATIENCE_S = 300
"""Slack's own limit for the age of a request (docs: verifying-requests-from-slack)."""
_LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is heard; if not, ``why`` in one sentence, for log and health."""

    is_heard: bool
    why: str = ""


HEARD = Verdict(is_heard=True)
UNSIGNED = Verdict(
    is_heard=False, why="Requests come in that Slack did not sign; they are refused. Who else reaches this address?"
)
OTHER_SECRET = Verdict(
    is_heard=False,
    why="Requests are signed with another secret than SLACK_SIGNING_SECRET; they are refused. Compare it with Basic "
    "Information of the app.",
)


def judge(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Verdict:
    """Tell Slack's requests from others, and a wrong clock from a wrong secret."""
    known = {name.lower(): value for name, value in headers.items()}
    at, signature = known.get("x-slack-request-timestamp", ""), known.get("x-slack-signature", "")
    if not (at.isascii() and at.isdecimal() and len(at) < _LONGEST_NUMBER and signature.isascii() and signature):
        return UNSIGNED
    # Not the SDK's verifier: it decodes the body first, and trips over bytes that are no text.
    right = "v0=" + hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, signature):
        return OTHER_SECRET
    ahead_s = now.timestamp() - int(at)
    if abs(ahead_s) > PATIENCE_S:
        way = "ahead of" if ahead_s > 0 else "behind"
        return Verdict(
            is_heard=False,
            why=f"The clock of this machine is {abs(ahead_s) / 60:.0f} min {way} Slack's: well signed requests are "
            "refused as too old or too new. Set the clock.",
        )
    return HEARD
