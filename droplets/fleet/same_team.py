"""Several connections of one person to one team: the team is shown, and counted, once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from droplets.fleet.source import Source

_SAME_TIME = timedelta(minutes=5)
"""Of two connections to one team the first is shown, unless the other one's droplets are newer by more than this."""


def shown_elsewhere(sources: Iterable[Source]) -> set[UUID]:
    """The connections that need not be shown, because another one has the whole team."""
    in_order = sorted(sources, key=lambda source: source.team.key)
    groups = [list(group) for _, group in groupby(in_order, key=lambda source: source.team.key)]
    return {source.connection.pk for group in groups for source in _redundant(group)}


def _redundant(group: Sequence[Source]) -> list[Source]:
    whole = [(source, source.cached.taken_at) for source in group if source.cached and source.is_whole]
    moments = [taken_at for _, taken_at in whole if taken_at]
    for source, taken_at in whole:
        if taken_at and taken_at >= max(moments) - _SAME_TIME:
            return [other for other in group if other is not source]
    return []
