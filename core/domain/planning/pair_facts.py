"""Gathers what two inspected hosts show about the way between them."""

from core.domain.attempt.known_pair import PairFacts
from core.domain.model.inventory import Inspection
from core.domain.model.plan import FindingCode
from core.domain.planning.host_fit import host_blockers, no_listener
from core.domain.planning.networks import are_apart

_DEAF = {FindingCode.MIGRATION_OFF, FindingCode.NO_LISTENER}


def pair_facts(here: Inspection, there: Inspection, *, has_carried: bool = False) -> PairFacts:
    """Return what both say; ``has_carried``: data went this way before, so that some router leads there."""
    source, destination, facts = here.host, there.host, there.snapshot.facts
    refusals = (*host_blockers(destination, facts), *no_listener(destination, facts))
    apart = ""
    if are_apart(here, there):
        taken = ", ".join(there.networks.for_migration or ())
        apart = (
            f"{destination} takes migrations only on {taken}, where {source} has no address: allow a network they share"
            f" on {destination}, with Add-VMMigrationNetwork."
        )
    return PairFacts(
        source=source,
        destination=destination,
        source_auth=here.snapshot.facts.migration_auth,
        destination_auth=facts.migration_auth,
        deaf=next((one.text for one in refusals if one.code in _DEAF), ""),
        apart=apart,
        has_carried=has_carried,
    )
