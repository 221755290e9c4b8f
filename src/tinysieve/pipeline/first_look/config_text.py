"""A configuration as text with comments: what `tinysieve init` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tinysieve.filtering.evidence.presence_head import head_names
from tinysieve.pipeline.first_look.readings import Reading, is_person

_DRAWN = "drawn by class: 10 % validation and 20 % test"


def config_text(reading: Reading, run: Path, boxes: Sequence[Path], seen: Sequence[str], file: Path,
                follow_links: Sequence[Path] = ()) -> str:
    """The whole file.

    Args:
        reading: how the data is read.
        run: the run folder.
        boxes: files that may hold boxes.
        seen: what was found, a line each.
        file: where it is written, for the commands in its header.
        follow_links: folders that links may lead into.
    """
    shown = scalar(str(file))
    lines = [f"# Written by 'tinysieve init'. {reading.words}.", *(f"# {_one_line(line)}" for line in seen),
             f"#   tinysieve check -c {shown}     what would be lost, without decoding a photo",
             f"#   tinysieve run -c {shown}       the whole job", f"run: {scalar(str(run))}", "seed: 0", *_task(reading),
             "dataset:", "  source:", *_source(reading.source), *_classes(reading),
             *([f"  follow_links: {scalar([str(folder) for folder in follow_links])}"] if follow_links else []),
             "  # Several rows of a photo that contradict each other: review, majority, first or error.", "  on_conflict: review",
             "  # When a box counts: wake_vision (5 % of the centre crop), vww, mlperf_tiny or any.", "  rule: wake_vision",
             "filter:", *_detector(reading, boxes), *_annotators(reading),
             "policy:", "  # Labels that are probably wrong are flipped or dropped; doubt goes to a person: tinysieve review.",
             "  kind: consensus",
             "train:", *_recipe(reading)]
    return "\n".join(lines) + "\n"


def _recipe(reading: Reading) -> list[str]:
    """The weights that ship were taught what a person is."""
    if is_person(reading.meaning):
        return ["  # Batch 32, 20 epochs from the shipped weights. From noise, as published: seed (50 epochs), challenge-1, -2.",
                "  recipe: finetune"]
    return ["  # Batch 32, 50 epochs from noise; finetune starts from weights that know persons.", "  recipe: seed"]


def scalar(value: object) -> str:
    """A value as YAML on one line.

    >>> scalar("a: b"), scalar(["x", "1"]), scalar(None)
    ("'a: b'", "[x, '1']", 'null')
    """
    return yaml.safe_dump(value, default_flow_style=True, width=2**31, allow_unicode=True).removesuffix("...\n").strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _task(reading: Reading) -> list[str]:
    if is_person(reading.meaning):
        return []
    names = reading.meaning.names
    return ["task:", f"  positive: {scalar(names.positive)}", f"  negative: {scalar(names.negative)}",
            "  # What the detector calls the class.", f"  detector_classes: {scalar([detector_class(reading)])}"]


def detector_class(reading: Reading) -> str:
    """The class as a detector knows it: without the plural of a folder's name, where a head ships for that.

    The classes of the shipped heads are those of PASCAL VOC.
    """
    name = reading.meaning.names.positive.lower()
    return next((head for head in head_names() if name in (head, f"{head}s")), name)


def _source(source: Mapping[str, object]) -> list[str]:
    lines, drawn = [], source["kind"] == "table"
    for key, value in source.items():
        plain = [str(part) for part in value] if isinstance(value, list) else str(value) if isinstance(value, Path) else value
        comment = f"   # {_DRAWN}" if key == "split" and value is None and drawn else ""
        lines.append(f"    {key}: {scalar(plain)}{comment}")
    return lines


def _classes(reading: Reading) -> list[str]:
    classes = reading.meaning.classes
    if not classes:
        return []
    return ["  # Words in the data for each class; '*' is every word that the other class does not have.", "  classes:",
            *(f"    {scalar(name)}: {scalar(list(words))}" for name, words in classes.items())]


def _detector(reading: Reading, boxes: Sequence[Path]) -> list[str]:
    own = [f"  # Boxes of your own instead: detector: {{kind: boxes, file: {scalar(str(path))}}}" for path in boxes[:1]]
    if detector_class(reading) in head_names():
        return ["  # The shipped presence head. YOLO weights give better boxes: {kind: ultralytics, weights: yolo11m.pt}", *own,
                "  detector:", "    kind: presence_head",
                "    # Doubtful photos are judged part by part too; 0 looks once and is five times faster.",
                "    look_again_below: 0.9"]
    return ["  # No presence head ships for this class: put weights that know it here before 'tinysieve filter'.", *own,
            "  detector:", "    kind: ultralytics", "    weights: yolo11m.pt", "  presence_head: false"]


def _annotators(reading: Reading) -> list[str]:
    lines = ["  # Several rows a photo: what most annotators say is a signal of its own.", "  annotators: true"]
    return lines if reading.repeated else []
