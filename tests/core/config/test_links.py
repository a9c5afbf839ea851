"""Links of the settings: which hosts they mean, and what is wrong with one."""

import pytest

from core.domain.scheduling.links import Counts
from core.errors import SettingsError
from tests.core.config.conftest import Load

RACKS = "".join(f'[hosts.HV{n:02}]\naddress = "hv{n:02}.x"\n' for n in (1, 2, 11, 12))


def test_a_link_has_its_hosts_by_name_address_or_pattern(load: Load) -> None:
    """Any case; the zone is its own or that of the freeze windows."""
    settings = load(
        RACKS + '[freeze]\nzone = "Europe/Berlin"\n'
        '[links.rack-a]\nhosts = ["hv01", "hv02.x", "HV02"]\nmoves = 2\nmb_s = 1100\n'
        'windows = ["mon-fri 08:00-18:00 = 1"]\n'
        '[links.b]\nhosts = ["HV1*"]\nmoves = 3\ncounts = "any"\nzone = "UTC"'
    )
    one, other = settings.known_links().all
    assert (one.name, sorted(one.hosts), one.moves, one.bytes_per_s) == ("rack-a", ["HV01", "HV02"], 2, 1.1e9)
    assert (str(one.zone), one.counts, [w.moves for w in one.windows]) == ("Europe/Berlin", Counts.CROSSING, [1])
    assert (sorted(other.hosts), other.counts, str(other.zone)) == (["HV11", "HV12"], Counts.ANY, "UTC")


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ('hosts = ["HV03"]\nmoves = 1', "[links.a] hosts has 'HV03', which is no host of these settings"),
        ('hosts = ["X*"]\nmoves = 1', "[links.a] hosts has 'X*', which fits no host of these settings"),
        ("hosts = []\nmoves = 1", "[links.a.hosts]"),
        ("moves = 1", "[links.a.hosts] is missing"),
        ('hosts = ["HV01"]', "[links.a] limits nothing; give it moves, mb_s or windows"),
        ('hosts = ["HV01"]\nmoves = 0', "[links.a.moves] must be 1 or more"),
        ('hosts = ["HV01"]\nmoves = -2', "[links.a.moves] must be 1 or more"),
        ('hosts = ["HV01"]\nmb_s = 0', "[links.a.mb_s] must be more than 0"),
        ('hosts = ["HV01"]\ncounts = "both"', "[links.a.counts] must be 'crossing' or 'any'"),
        ('hosts = ["HV01"]\nwindows = ["mon 08:00-18:00"]', "'mon 08:00-18:00' is no window of a link; write Mon-Fri"),
        ('hosts = ["HV01"]\nwindows = ["monday = 1"]', "'monday' is no freeze window; write Mon-Fri 08:00-18:00 or"),
        ('hosts = ["HV01"]\nwindows = ["mon 08:00-18:00 = 0"]', "'mon 08:00-18:00 = 0' would let nothing start"),
        ('hosts = ["HV01"]\nwindows = ["mon 08:00-18:00 = -1"]', "would let nothing start"),
        (
            'hosts = ["HV01"]\nwindows = ["mon-fri 08:00-18:00 = 1", "fri 17:00-20:00 = 2"]',
            "windows 'mon-fri 08:00-18:00 = 1' and 'fri 17:00-20:00 = 2' overlap; at any time one number must hold",
        ),
        ('hosts = ["HV01"]\nmoves = 1\nzone = "Mars"', "[links.a] 'Mars' is no time zone; write for example Europe"),
        ('hosts = ["*"]\nmoves = 1', "[links.a] has every host behind it, so no move crosses it"),
        ('hosts = ["HV01"]\nmove = 1', "[links.a] has no key move. Did you mean moves?"),
    ],
)
def test_what_is_wrong_with_a_link_is_one_sentence(load: Load, link: str, said: str) -> None:
    """Promise 12: a link that would count nothing, or two numbers at once, is found when the settings are read."""
    with pytest.raises(SettingsError) as caught:
        load(f"{RACKS}[links.a]\n{link}")
    assert said in caught.value.message
