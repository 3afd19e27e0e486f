"""One connection's part of the fleet."""

from dataclasses import dataclass

from accounts.models import Connection
from droplets.fleet.cache import CachedFleet
from droplets.fleet.fetch import FetchResult
from droplets.fleet.items import Team
from droplets.fleet.problems import ConnectionProblem
from droplets.fleet.summary import DropletSummary


@dataclass(frozen=True)
class Source:
    """One connection's part of the fleet.

    `partial` is what has come by now, while the first load takes longer than the page waits. `is_shown_elsewhere`:
    another connection of the same person shows the whole team, so this one's droplets are left out.
    """

    connection: Connection
    team: Team
    cached: CachedFleet | None
    droplets: tuple[DropletSummary, ...]
    partial: FetchResult | None = None
    is_loading: bool = False
    is_slow: bool = False
    is_shown_elsewhere: bool = False
    problem: ConnectionProblem | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything is known of the team's droplets, even if only that it has none."""
        return bool(self.droplets) or (self.cached is not None and self.cached.taken_at is not None)

    @property
    def is_whole(self) -> bool:
        """Whether every droplet came. One that could not be decoded has still come."""
        return self.cached is not None and self.cached.is_whole

    @property
    def is_complete(self) -> bool:
        """Whether every droplet came and could be decoded."""
        return self.cached is not None and self.cached.is_whole and not self.cached.unreadable
