"""Tables of docs/scale.md."""

from __future__ import annotations

from docsite.result_tables import result, table

LIKE = {"hub": "hub-like, 1024 x 768", "dataverse": "Dataverse-like, 516 x 387"}


def wake_vision_time() -> str:
    """Hours and GPU-hours of the reading pass over all of Wake Vision, computed from measured rates."""
    rows = [(LIKE[like], f"{row['machines']['gpus']} with {row['machines']['cores']} cores", f"{row['hours']:.1f}",
             f"{row['cost']:.0f}") for like, made in result("scale_rates").items() for row in made["rows"]]
    return table(("photos", "GPUs", "hours", "GPU-hours to pay"), rows)


def scale_rates() -> str:
    """What these hours are computed from."""
    rows = [(LIKE[like], *(f"{made['rates'][name]:.1f}" for name in ("read", "decode", "embed")))
            for like, made in result("scale_rates").items()]
    return table(("ms an image", "read, clock", "decode and pack, core", "embed, core"), rows)


def cluster() -> str:
    """Three nodes of which one goes."""
    rows = [(f"`configs/{name}.yaml`", f"{row['images']:,}", f"{row['chunks_done_when_the_node_went']} of {row['chunks']}",
             f"{row['files']}", f"{len(row['files_that_differ'])}")
            for name, row in result("cluster")["runs"].items()]
    return table(("configuration", "images", "chunks done when the node went", "files", "files that differ"), rows)


def scale_run() -> str:
    """Every stage that works on tables, at Wake Vision's size."""
    made = result("scale_run")
    rows = [(name, f"{row['seconds']:.0f}", f"{row['processor_seconds']:.0f}", f"{row['peak_gb']:.1f}")
            for name, row in made["stages"].items() if name not in made["made_up"]]
    sums = ("all", f"{made['seconds']:.0f}", f"{made['processor_seconds']:.0f}", f"{made['peak_gb']:.1f}")
    return table(("stage", "clock, s", "processor, s", "peak memory, GB"), [*rows, sums])


def scale_images() -> str:
    """One reading pass against three, and Ray against the local executor."""
    rows = [(LIKE[made["like"]], f"{made['images']:,}", store, how, f"{made['images'] / row['seconds']:.0f}",
             *_in_this_process(row, made["images"], how), _beside_one_pass(made["goals"][store], how))
            for made in result("scale_images") for store, ways in made["stores"].items() for how, row in ways.items()]
    columns = ("photos", "number", "store", "way", "images/s", "processor, ms an image", "peak memory, GB",
               "against one pass, local")
    return table(columns, rows)


def _in_this_process(row: dict[str, float], images: int, how: str) -> tuple[str, str]:
    """Processor time and peak memory; those of Ray's workers are not measured."""
    return ("", "") if how == "ray" else (f"{1000 * row['processor_seconds'] / images:.1f}", f"{row['peak_gb']:.2f}")


def _beside_one_pass(goals: dict[str, float], how: str) -> str:
    """The ratio that a way is measured for."""
    if how == "three passes":
        return f"{goals['three_passes_over_one']:.2f} times the processor time"
    return f"{goals['ray_rate_over_local']:.2f} of its rate" if how == "ray" else ""


SCALE_TABLES = {"scale_images": scale_images, "scale_run": scale_run, "wake_vision_time": wake_vision_time,
                "scale_rates": scale_rates, "cluster": cluster}
