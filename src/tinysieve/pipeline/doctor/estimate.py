"""What a run would take, before it starts: hours, disk and memory from rates measured on a few of its own images."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.dataset.packed_pixels import IMAGE_BYTES

FEATURE_BYTES = 2
# Of benchmarks/results/scale.json: peak of the table stages over their rows.
TABLE_BYTES_A_ROW = 470


@dataclass(frozen=True)
class Rates:
    """Milliseconds an image; `read` on the clock, the others of one core, 0 where nothing is to be done.

    Args:
        read: getting at the bytes.
        decode: decoding, and packing at 144 x 144.
        detect: the detector.
        embed: the backbone.
        features: numbers that the backbone gives for an image.
        sampled: images that were looked at.
        resident_bytes: the most memory that the process held meanwhile, with detector and backbone open; 0 where it was not seen.
    """

    read: float
    decode: float
    detect: float
    embed: float
    features: int
    sampled: int
    resident_bytes: int = 0


@dataclass(frozen=True)
class Machines:
    """What works on the images.

    Args:
        cores: in all.
        gpus: in all; with them the detector's rate is `detector_rate`.
        detector_rate: images a second that the detector sees on one GPU; 0 where it works on the cores.
        price: of an hour of all of it, in whatever currency.
    """

    cores: int
    gpus: int = 0
    detector_rate: float = 0.0
    price: float = 0.0


@dataclass(frozen=True)
class Hours:
    """One row of the estimate.

    Args:
        machines: what works.
        hours: of the reading pass: ingest, detect and embed.
        cost: of these hours.
    """

    machines: Machines
    hours: float
    cost: float


@dataclass(frozen=True)
class Estimate:
    """What a run takes.

    Args:
        images: that are listed.
        rates: as measured.
        rows: hours by machines.
        pixel_bytes, feature_bytes: that stay on the disk.
        peak_disk_bytes: while features are brought together they lie there twice.
        table_memory_bytes: of the stages after the reading pass.
    """

    images: int
    rates: Rates
    rows: tuple[Hours, ...]
    pixel_bytes: int
    feature_bytes: int
    peak_disk_bytes: int
    table_memory_bytes: int


def hours_of(images: int, rates: Rates, machines: Machines) -> Hours:
    """Hours of the reading pass. Nothing is assumed to overlap, so that a cluster can only be faster.

    >>> hours_of(3_600_000, Rates(1, 2, 0, 0, 0, 1), Machines(cores=3, price=10))
    Hours(machines=Machines(cores=3, gpus=0, detector_rate=0.0, price=10), hours=1.0, cost=10.0)
    >>> hours_of(3_600_000, Rates(1, 2, 80, 0, 0, 1), Machines(cores=3, gpus=2, detector_rate=500)).hours
    2.0
    """
    on_gpu = machines.gpus > 0 and machines.detector_rate > 0
    core_ms = rates.read + rates.decode + rates.embed + (0 if on_gpu else rates.detect)
    seconds = images * core_ms / 1000 / machines.cores
    if on_gpu:
        seconds += images / machines.detector_rate / machines.gpus
    return Hours(machines, seconds / 3600, seconds / 3600 * machines.price)


def estimate(images: int, rates: Rates, machines: tuple[Machines, ...]) -> Estimate:
    """All of it.

    >>> made = estimate(1_000_000, Rates(1, 2, 3, 4, 1280, 64), (Machines(8),))
    >>> made.pixel_bytes, made.feature_bytes, made.peak_disk_bytes
    (62208000000, 2560000000, 67328000000)
    """
    pixels, features = images * IMAGE_BYTES, images * rates.features * FEATURE_BYTES
    return Estimate(images, rates, tuple(hours_of(images, rates, each) for each in machines), pixels, features,
                    pixels + 2 * features, images * TABLE_BYTES_A_ROW)
