"""The review queue as a Label Studio project: tasks with predictions, the labelling configuration, and what to set."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from tinysieve.dataset.classes import ClassNames
from tinysieve.filtering.decisions.label_studio_answers import CONTROL
from tinysieve.ground.atomic_files import replacing, write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.review.choices import choices
from tinysieve.pipeline.review.review_cards import Card
from tinysieve.pipeline.review.review_page import Sheet
from tinysieve.pipeline.review.review_pictures import PHOTO_SIDE, Photos

TASKS, LABELING, PICTURES = "tasks.json", "labeling_config.xml", "pictures"
MODEL_VERSION = "tinysieve"
BOX_LABEL = "box of the detector"


@dataclass(frozen=True)
class Handover:
    """What was written, and what Label Studio must be told to show local photos.

    Args:
        tasks, labeling: files.
        document_root: value of LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT.
        storage: absolute path of the local storage to add to the project; Label Studio refuses the root itself.
    """

    tasks: Path
    labeling: Path
    document_root: Path
    storage: Path

    @property
    def steps(self) -> tuple[str, ...]:
        """What to do, a line a step."""
        return (
            "set these two variables before Label Studio starts, or no photo will show:",
            "  export LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true",
            f"  export LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={shlex.quote(str(self.document_root))}",
            f"make a project; Labeling Setup > Custom template > Code: paste {self.labeling}",
            f"Settings > Cloud Storage > Add Source Storage > Local Files: absolute path {self.storage} (save it, do not sync)",
            f"import {self.tasks}",
            "afterwards export as JSON, then: tinysieve review import FILE.json",
        )


def write_label_studio(sheet: Sheet, photos: Photos, folder: Path) -> Handover:
    """Write tasks and labelling configuration; of photos that are no files of their own, pictures too.

    Args:
        sheet: cards in the order of the queue, and the names of the classes.
        photos: theirs. An image folder must not be the root of a disk, because its parent is what Label Studio serves.

    Raises:
        InputError: the image folder has no parent.
    """
    images = photos.store.local_path(".")
    if images is None:
        images = folder / PICTURES
        sheet = replace(sheet, cards=tuple(_with_picture(card, photos, images) for card in sheet.cards))
    storage = images.resolve()
    if storage == storage.parent:
        raise InputError(f"{storage} has no folder above it", why="Label Studio serves a folder below its document root",
                         fix="move the photos into a folder of their own")
    tasks = [task(card, storage.name, sheet.classes) for card in sheet.cards]
    write_text(folder / TASKS, json.dumps(tasks, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / LABELING, labeling_config(sheet.classes))
    return Handover((folder / TASKS).resolve(), (folder / LABELING).resolve(), storage.parent, storage)


def _with_picture(card: Card, photos: Photos, folder: Path) -> Card:
    name = f"{card.sample_id}.jpg"
    with replacing(folder / name) as temporary:
        temporary.write_bytes(photos.jpeg(card.row, PHOTO_SIDE))
    return replace(card, name=name)


def labeling_config(classes: ClassNames) -> str:
    """The labelling configuration: one choice for each decision, with the keys of our own page."""
    decisions = "\n".join(f"    <Choice value={quoteattr(choice.word)} hotkey={quoteattr(choice.keys[0])}/>"
                          for choice in choices(classes))
    return f"""\
<View>
  <Header value="$question" size="5"/>
  <Choices name="{CONTROL}" toName="image" choice="single-radio" showInline="true" required="true">
{decisions}
  </Choices>
  <Image name="image" value="$image" zoom="true"/>
  <RectangleLabels name="box" toName="image" canRotate="false">
    <Label value="{BOX_LABEL}" background="#ffd60a"/>
  </RectangleLabels>
</View>
"""


def task(card: Card, folder: str, classes: ClassNames) -> dict[str, Any]:
    """One task; `folder` is the image folder's name below the document root.

    >>> card = Card(0, "ab", "a b.jpg", 4, 2, "cat", "", "easy", ("no box",), ())
    >>> task(card, "photos", ClassNames("cat", "no_cat"))["data"]["image"]
    '/data/local-files/?d=photos/a%20b.jpg'
    """
    data = {"image": f"/data/local-files/?d={quote(folder)}/{quote(card.name)}", "sample_id": card.sample_id, "name": card.name,
            "label": card.label or "none", "hardness": card.hardness,
            "question": "; ".join((f"{classes.positive} or {classes.negative}? Label now: {card.label or 'none'}",
                                   *card.reasons))}
    result = [_rectangle(card, number) for number in range(len(card.boxes))]
    if card.proposed:
        result.append({"id": "proposal", "type": "choices", "from_name": CONTROL, "to_name": "image",
                       "value": {"choices": [card.proposed]}})
    return {"data": data, "predictions": [{"model_version": MODEL_VERSION, "result": result}] if result else []}


def _rectangle(card: Card, number: int) -> dict[str, Any]:
    left, top, width, height, confidence = card.boxes[number]
    value = {"x": left, "y": top, "width": width, "height": height, "rotation": 0, "rectanglelabels": [BOX_LABEL]}
    return {"id": f"box{number}", "type": "rectanglelabels", "from_name": "box", "to_name": "image", "score": confidence,
            "original_width": card.width, "original_height": card.height, "image_rotation": 0, "value": value}
