"""An estimate as text."""

from __future__ import annotations

from tinysieve.pipeline.doctor.estimate import Estimate, Hours

_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


def size(count: int) -> str:
    """Bytes in words.

    >>> size(358_340_000_000), size(0)
    ('358.3 GB', '0.0 MB')
    """
    unit, name = next(((unit, name) for unit, name in _SIZES if count >= unit), _SIZES[-1])
    return f"{count / unit:,.1f} {name}"


def duration(hours: float) -> str:
    """In hours, below two of them in minutes.

    >>> duration(30.26), duration(0.5)
    ('30.3 h', '30.0 min')
    """
    return f"{hours:,.1f} h" if hours >= 2 else f"{60 * hours:.1f} min"


def render_estimate(made: Estimate) -> str:
    """For a person; the last lines say what is not in it."""
    rates = made.rates
    priced = any(row.machines.price for row in made.rows)
    head = f"{'machines':<34}{'time':>10}" + f"{'cost':>12}" * priced
    return "\n".join([
        f"{made.images:,} images; rates from {rates.sampled:,} of them, measured now on this machine",
        "",
        f"{'milliseconds an image':<34}{'':>10}",
        f"  {'read (clock)':<32}{rates.read:>10.2f}",
        f"  {'decode and pack (core)':<32}{rates.decode:>10.2f}",
        f"  {'detect (core)':<32}{rates.detect:>10.2f}",
        f"  {'embed (core)':<32}{rates.embed:>10.2f}",
        "",
        head, *(_row(row, priced) for row in made.rows),
        "",
        f"disk: {size(made.pixel_bytes)} of packed pixels, {size(made.feature_bytes)} of features; at most "
        f"{size(made.peak_disk_bytes)} at once",
        f"memory: {size(rates.resident_bytes)} for a process with detector and backbone open, as measured; "
        f"{size(made.table_memory_bytes)} more for the stages over tables",
        "",
        "Times are of the reading pass (ingest, detect, embed), as if nothing overlapped.",
        "Not in it: download, filters, training.",
    ])


def _row(row: Hours, priced: bool) -> str:
    machines = row.machines
    words = f"{machines.cores:,} cores" + (f", {machines.gpus:,} GPUs" if machines.gpus else "")
    return f"  {words:<32}{duration(row.hours):>10}" + (f"{row.cost:>12,.2f}" if priced else "")
