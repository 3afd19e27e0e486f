"""CPU usage from its counters.

Each mode has a counter of seconds since the boot, over all vCPUs. The usage between two points is the difference of
their counters, as a share of the differences of all modes. The number of vCPUs does not matter.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from digitalocean_client.metrics import Points, Series
from droplets.metrics.chart_data import spacing

BUSY = "busy"
_IDLE = ("idle", "iowait")
_LONGEST = 5  # times the usual interval: an average over a longer gap says nothing about its end


def counters(series: Iterable[Series]) -> dict[str, Points]:
    """The counter of each mode. Several of one mode, such as one for each CPU, are added up."""
    found: dict[str, Points] = {}
    for each in series:
        mode = each.labels.get("mode", "")
        if not mode:
            continue
        if mode in found:
            known = found[mode]
            found[mode] = {at: known[at] + value for at, value in each.points.items() if at in known}
        else:
            found[mode] = each.points
    return found


def shares(modes: Mapping[str, Points]) -> dict[str, Points]:
    """Percent of the time since the point before that was spent in each mode, and in all `BUSY` modes together.

    Left out are intervals in which a counter fell (a reboot) or no counter rose, moments at which a mode has no point,
    and intervals much longer than the others. The result is empty without the idle counter.

    >>> shares({"idle": {0: 0.0, 120: 90.0}, "user": {0: 5.0, 120: 15.0}})
    {'idle': {120: 90.0}, 'user': {120: 10.0}, 'busy': {120: 10.0}}
    """
    if "idle" not in modes:
        return {}
    moments = sorted(set.intersection(*(set(points) for points in modes.values())))
    longest = spacing(moments) * _LONGEST
    steps = list(pairwise(moments))
    spent = {mode: [points[at] - points[before] for before, at in steps] for mode, points in modes.items()}
    totals = [sum(seconds) if min(seconds) >= 0 else 0 for seconds in zip(*spent.values(), strict=True)]
    usable = [(place, at) for place, (before, at) in enumerate(steps) if totals[place] > 0 and at - before <= longest]
    found = {
        mode: {at: 100 * seconds[place] / totals[place] for place, at in usable} for mode, seconds in spent.items()
    }
    idle = [found[mode] for mode in _IDLE if mode in found]
    found[BUSY] = {at: 100 - sum(points[at] for points in idle) for _, at in usable}
    return found
