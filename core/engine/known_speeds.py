"""Reads how fast moves were, between pairs of hosts and on links."""

from core.domain.planning.speeds import Speeds
from core.domain.scheduling.links import Links
from core.ports import Store


async def known_speeds(store: Store, links: Links, assumed_bytes_per_s: float) -> Speeds:
    """Return what was learned of each pair and each link, and what is assumed of the others."""
    of_links = await store.link_speeds() if links else {}
    return Speeds(await store.speeds(), assumed_bytes_per_s, links, of_links, await store.shared_speeds())
