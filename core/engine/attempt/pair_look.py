"""Looks at both hosts of a move where its error's meaning depends on them."""

import logging

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.known_pair import DEPENDS, in_view_of
from core.domain.attempt.windows_numbers import numbers_in
from core.domain.planning.pair_facts import pair_facts
from core.engine.attempt.context import AttemptContext
from core.engine.attempt.look_ahead import look_at
from core.errors import HostError, StoreError

log = logging.getLogger(__name__)

SETUP_PERCENT = 10
"""Below it a migration is being set up, and sends no data yet (Microsoft's advice on moves that fail below 10 %)."""


async def look_at_pair(context: AttemptContext, diagnosis: Diagnosis, percent: int) -> Diagnosis:
    """Return the diagnosis in view of both hosts as they are now; as it was where they do not tell.

    ``percent``: how far the attempt came. What got somewhere found a way, whatever the networks look like.
    """
    move = context.move
    if diagnosis.code not in DEPENDS or not context.policy.own_errors.keys().isdisjoint(numbers_in(diagnosis.words)):
        return diagnosis
    try:
        here, there = await look_at(context.services.gateway, context.services.machines, move)
        has_carried = percent >= SETUP_PERCENT or (move.source, move.destination) in await context.store.speeds()
    except (HostError, StoreError) as error:
        log.info("nobody could say what stands between the hosts of %s: %s", move.vm_name, error)
        return diagnosis
    return in_view_of(diagnosis, pair_facts(here, there, has_carried=has_carried))
