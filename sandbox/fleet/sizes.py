"""DigitalOcean's droplet sizes: slugs, hardware and list prices.

Slugs and prices are those of DigitalOcean's public price list of 2025. GPU prices are listed per hour; a month of a
GPU droplet has 744 hours there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from sandbox.fleet import regions

HOURS_CHARGED = 672  # an ordinary droplet is billed for at most this many hours a month
SOLD_OUT = frozenset({"so-4vcpu-32gb"})
SCARCE = {"c-16": ("nyc1", "nyc3", "fra1"), "m-8vcpu-64gb": ("nyc3", "ams3", "sgp1")}


@dataclass(frozen=True, slots=True)
class Size:
    """One size. Memory in MB, disks in GB, transfer in TB, money in US dollars."""

    slug: str
    vcpus: int
    memory: int
    disk: int
    transfer: float
    monthly: float
    kind: str
    hourly: float = 0.0
    scratch: int = 0
    gpus: int = 0
    gpu_model: str = ""
    vram: int = 0

    @property
    def regions(self) -> tuple[str, ...]:
        """Where new droplets of this size are available."""
        return regions.GPU_SLUGS if self.gpus else SCARCE.get(self.slug, regions.SLUGS)

    @property
    def available(self) -> bool:
        """Whether new droplets of this size are available in any region."""
        return self.slug not in SOLD_OUT


def _family(kind: str, *rows: tuple[str, int, int, int, float, float]) -> list[Size]:
    return [Size(slug, vcpus, gb, disk, tb, usd, kind) for slug, vcpus, gb, disk, tb, usd in rows]


ORDINARY = (
    *_family(
        "Basic",
        ("s-1vcpu-512mb-10gb", 1, 512, 10, 0.5, 4),
        ("s-1vcpu-1gb", 1, 1024, 25, 1, 6),
        ("s-1vcpu-2gb", 1, 2048, 50, 2, 12),
        ("s-2vcpu-2gb", 2, 2048, 60, 3, 18),
        ("s-2vcpu-4gb", 2, 4096, 80, 4, 24),
        ("s-4vcpu-8gb", 4, 8192, 160, 5, 48),
        ("s-8vcpu-16gb", 8, 16384, 320, 6, 96),
    ),
    *_family(
        "Premium Intel",
        ("s-1vcpu-1gb-intel", 1, 1024, 25, 1, 7),
        ("s-1vcpu-2gb-intel", 1, 2048, 50, 2, 14),
        ("s-2vcpu-4gb-intel", 2, 4096, 80, 4, 28),
        ("s-4vcpu-8gb-intel", 4, 8192, 160, 5, 56),
        ("s-8vcpu-16gb-intel", 8, 16384, 320, 6, 112),
    ),
    *_family(
        "Premium AMD",
        ("s-1vcpu-1gb-amd", 1, 1024, 25, 1, 7),
        ("s-1vcpu-2gb-amd", 1, 2048, 50, 2, 14),
        ("s-2vcpu-4gb-amd", 2, 4096, 80, 4, 28),
        ("s-4vcpu-8gb-amd", 4, 8192, 160, 5, 56),
        ("s-8vcpu-16gb-amd", 8, 16384, 320, 6, 112),
    ),
    *_family(
        "CPU-Optimized",
        ("c-2", 2, 4096, 25, 4, 42),
        ("c-4", 4, 8192, 50, 5, 84),
        ("c-8", 8, 16384, 100, 6, 168),
        ("c-16", 16, 32768, 200, 7, 336),
    ),
    *_family(
        "General Purpose",
        ("g-2vcpu-8gb", 2, 8192, 25, 4, 63),
        ("g-4vcpu-16gb", 4, 16384, 50, 5, 126),
        ("g-8vcpu-32gb", 8, 32768, 100, 6, 252),
        ("g-16vcpu-64gb", 16, 65536, 200, 7, 504),
    ),
    *_family(
        "Memory-Optimized",
        ("m-2vcpu-16gb", 2, 16384, 50, 4, 84),
        ("m-4vcpu-32gb", 4, 32768, 100, 6, 168),
        ("m-8vcpu-64gb", 8, 65536, 200, 7, 336),
    ),
    *_family(
        "Storage-Optimized",
        ("so-2vcpu-16gb", 2, 16384, 300, 4, 131),
        ("so-4vcpu-32gb", 4, 32768, 600, 6, 262),
    ),
)


def _gpu(
    slug: str, vcpus: int, memory: int, disk: int, scratch: int, transfer: float, hourly: float,
    kind: str, gpus: int, model: str, vram: int,
) -> Size:  # fmt: skip
    monthly = round(hourly * 744, 2)
    return Size(slug, vcpus, memory, disk, transfer, monthly, kind, hourly, scratch, gpus, model, vram)


GPU = (
    _gpu("gpu-h100x1-80gb", 20, 245760, 720, 5120, 15, 3.39, "H100 GPU - 1X", 1, "nvidia_h100", 80),
    _gpu("gpu-h100x8-640gb", 160, 1966080, 2046, 40960, 60, 23.92, "H100 GPU - 8X", 8, "nvidia_h100", 640),
    _gpu("gpu-mi300x1-192gb", 20, 245760, 720, 5120, 15, 1.99, "MI300X GPU - 1X", 1, "amd_mi300x", 192),
    _gpu("gpu-l40sx1-48gb", 8, 65536, 500, 0, 10, 1.57, "L40S GPU - 1X", 1, "nvidia_l40s", 48),
    _gpu("gpu-4000adax1-20gb", 8, 32768, 500, 0, 10, 0.76, "RTX 4000 Ada GPU - 1X", 1, "nvidia_rtx4000_ada", 20),
)
BY_SLUG = {size.slug: size for size in (*ORDINARY, *GPU)}


def offered_in(region: str) -> list[str]:
    """The slugs of the sizes that are available in a region."""
    return [size.slug for size in BY_SLUG.values() if size.available and region in size.regions]


def disks(size: Size) -> list[dict[str, Any]]:
    """The disks of a size, as in the field `disk_info`."""
    found = [{"type": "local", "size": {"amount": size.disk, "unit": "gib"}}]
    if size.scratch:
        found.append({"type": "scratch", "size": {"amount": size.scratch, "unit": "gib"}})
    return found


def gpu_info(size: Size) -> dict[str, Any]:
    """The GPUs of a size, as in the field `gpu_info`."""
    return {"count": size.gpus, "vram": {"amount": size.vram, "unit": "gib"}, "model": size.gpu_model}


def describe(size: Size) -> dict[str, Any]:
    """A size object as in a droplet."""
    result: dict[str, Any] = {
        "slug": size.slug,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "transfer": float(size.transfer),
        "price_monthly": float(size.monthly),
        "price_hourly": _single(size.hourly or round(size.monthly / HOURS_CHARGED, 5)),
        "regions": list(size.regions),
        "available": size.available,
        "description": size.kind,
        "disk_info": disks(size),
    }
    if size.gpus:
        result["gpu_info"] = gpu_info(size)
    return result


def _single(value: float) -> float:
    """A float rounded to single precision, as DigitalOcean sends it: 0.00893 becomes 0.008929999545216560."""
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single
