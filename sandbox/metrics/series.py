"""The series of each metric: labels, and pairs of a time and a number as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.fleet import snapshots, volumes
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import number_field
from sandbox.fleet.team_resources import TeamResources
from sandbox.metrics.load_pattern import STEP, WEEK, LoadPattern
from sandbox.metrics.runs import Run

Series = dict[str, Any]
Value = Callable[[Run, int], str]  # of a run and the number of a sample in it

# The shares of the CPU modes in ordinary work and in the nightly job. The rest of the time is idle.
MODES = {
    "iowait": (0.05, 0.40),
    "irq": (0.0, 0.0),
    "nice": (0.01, 0.0),
    "softirq": (0.04, 0.02),
    "steal": (0.02, 0.03),
    "system": (0.18, 0.20),
    "user": (0.70, 0.35),
}
MEBIBYTE, GIBIBYTE = 2**20, 2**30
BLOCK = 4_096
USABLE_MEMORY, USABLE_DISK = 0.965, 0.9622  # without what the kernel and the file system use


def cpu(pattern: LoadPattern, droplet: Droplet, runs: list[Run]) -> list[Series]:
    """Counters for each mode: seconds since the boot, summed over all vCPUs."""
    vcpus: int = number_field(droplet, "vcpus")
    values: dict[str, list[tuple[int, str]]] = {mode: [] for mode in ("idle", *MODES)}
    for run in runs:
        work_before, job_before = pattern.work(run.boot), pattern.job(run.boot)
        for slot in run.slots():
            moment = slot * STEP
            work = pattern.work(moment) + pattern.jitter(slot) - work_before
            job = pattern.job(moment) - job_before
            idle = max(0.0, moment - run.boot - work - job)
            values["idle"].append((moment, f"{idle * vcpus:.2f}"))
            for mode, (of_work, of_job) in MODES.items():
                values[mode].append((moment, f"{(work * of_work + job * of_job) * vcpus:.2f}"))
    return [_series(droplet, each, mode=mode) for mode, each in values.items() if each]


def load(pattern: LoadPattern, droplet: Droplet, runs: list[Run], minutes: int) -> list[Series]:
    """The load average over some minutes: the busy vCPUs and a little waiting."""
    vcpus: int = number_field(droplet, "vcpus")
    back = max(1, round(minutes * 60 / STEP))

    def value(run: Run, slot: int) -> str:
        first = max(slot - back, run.first_slot - 1)
        done = [pattern.work(at * STEP) + pattern.jitter(at) + pattern.job(at * STEP) for at in (first, slot)]
        return f"{(done[1] - done[0]) / ((slot - first) * STEP) * vcpus * 1.06:.2f}"

    return _one(droplet, runs, value)


def memory(pattern: LoadPattern, droplet: Droplet, runs: list[Run], name: str) -> list[Series]:
    """Bytes of memory: total, available, cached or free. Available is free memory and most of the cache."""
    total = _blocks(number_field(droplet, "memory") * MEBIBYTE * USABLE_MEMORY)
    used = 0.22 + 0.45 * pattern.noise(0, salt=1)
    cache = 0.3 + 0.5 * pattern.noise(0, salt=2)

    def value(run: Run, slot: int) -> str:
        if name == "total":
            return str(total)
        moment = slot * STEP
        share = used * (0.75 + 0.22 * pattern.level(moment)) + 0.01 * pattern.noise(slot, salt=3)
        available = total * (1 - share)
        age = moment - run.boot
        cached = available * cache * age / (age + 6 * 3_600)  # the cache fills in the hours after a boot
        return str(_blocks({"available": available, "cached": cached, "free": available - 0.9 * cached}[name]))

    return _one(droplet, runs, value)


def filesystem(
    resources: TeamResources, pattern: LoadPattern, droplet: Droplet, runs: list[Run], name: str
) -> list[Series]:
    """Bytes of each file system, size or free: the droplet's own disk, and a mount for each volume."""
    disk = number_field(droplet, "disk") * GIBIBYTE * USABLE_DISK
    written = snapshots.used_gigabytes(resources, droplet) * GIBIBYTE
    found = _mount(pattern, droplet, runs, name, ("/dev/vda1", "ext4", "/"), disk, written)
    for number, volume in enumerate(volumes.attached_to(resources, droplet)):
        mount = (
            f"/dev/sd{chr(ord('a') + number)}",
            volume["filesystem_type"] or "ext4",
            f"/mnt/{volume['name'].replace('-', '_')}",
        )
        size = volume["size_gigabytes"] * GIBIBYTE * USABLE_DISK
        found += _mount(pattern, droplet, runs, name, mount, size, size * snapshots.disk_share(volume["id"]))
    return found


def _mount(
    pattern: LoadPattern, droplet: Droplet, runs: list[Run], name: str, mount: tuple[str, str, str], size: float,
    written: float,
) -> list[Series]:  # fmt: skip
    def value(run: Run, slot: int) -> str:
        if name == "size":
            return str(_blocks(size))
        # Logs grow for a week and are then deleted; a little is always being written.
        week = (slot * STEP + pattern.key) % WEEK / WEEK
        used = written * (0.95 + 0.05 * week + 0.002 * pattern.noise(slot, salt=4))
        return str(_blocks(size - used))

    device, fstype, mountpoint = mount
    return _one(droplet, runs, value, device=device, fstype=fstype, mountpoint=mountpoint)


def bandwidth(pattern: LoadPattern, droplet: Droplet, runs: list[Run], interface: str, direction: str) -> list[Series]:
    """Mbps on one interface, in one direction. It follows the load."""
    salt = {"public": 10, "private": 20}[interface] + {"inbound": 1, "outbound": 2}[direction]
    usual = 0.02 * 200 ** pattern.noise(0, salt=10) * (0.2 + pattern.noise(0, salt=salt)) * (1 + 8 * pattern.base)

    def value(run: Run, slot: int) -> str:
        burst = 1 + 6 * max(0.0, pattern.noise(slot, salt=salt) - 0.97) / 0.03
        return f"{usual * pattern.level(slot * STEP) * (0.8 + 0.4 * pattern.noise(slot, salt=salt + 5)) * burst:.12g}"

    return _one(droplet, runs, value, interface=interface, direction=direction)


def _one(droplet: Droplet, runs: Iterable[Run], value: Value, **labels: str) -> list[Series]:
    values = [(slot * STEP, value(run, slot)) for run in runs for slot in run.slots()]
    return [_series(droplet, values, **labels)] if values else []


def _series(droplet: Droplet, values: list[tuple[int, str]], **labels: str) -> Series:
    return {"metric": {"host_id": str(droplet["id"]), **labels}, "values": values}


def _blocks(size: float) -> int:
    return max(0, int(size) // BLOCK * BLOCK)
