"""The page of a review: one file with everything in it but the pictures, the same from a server and from a folder."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.ground.atomic_files import replacing, write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.review.choices import choices
from tinysieve.pipeline.review.review_cards import Card
from tinysieve.pipeline.review.review_pictures import FOLDER_SIDE, THUMBNAIL_SIDE, Photos

CARDS_A_PAGE = 60
PAGE, THUMBNAILS, LARGE = "review.html", "thumbnails", "photos"
_TEMPLATES = Environment(loader=PackageLoader("tinysieve.pipeline"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass(frozen=True)
class Sheet:
    """Cards as a page.

    Args:
        title: names the run.
        cards: in the order of the queue.
        cards_a_page: drawn at once; the rest waits.
        classes: names of the two classes.
    """

    title: str
    cards: tuple[Card, ...]
    cards_a_page: int = CARDS_A_PAGE
    classes: ClassNames = PERSON_TASK

    @cached_property
    def _dealt(self) -> dict[str, Any]:
        lines: dict[str, int] = {}
        cards = [[card.sample_id, card.name, card.width, card.height, card.label, card.proposed, card.hardness,
                  [lines.setdefault(line, len(lines)) for line in card.reasons], card.boxes] for card in self.cards]
        return {"cards": cards, "reasons": list(lines), "cards_a_page": self.cards_a_page, "thumbnail_side": THUMBNAIL_SIDE,
                "choices": [asdict(choice) for choice in choices(self.classes)]}

    def html(self, settings: Mapping[str, Any]) -> str:
        """The page; `settings` is what a server and a folder differ in."""
        data = json.dumps({**self._dealt, **settings}, ensure_ascii=False, separators=(",", ":"))
        # A script element ends at the first "</script" or opens a comment at "<!--", whatever stands around it.
        safe = Markup(data.replace("<", "\\u003c"))
        return _TEMPLATES.get_template("review.html.j2").render(
            title=self.title, data=safe, style=Markup(_part("review.css")), script=Markup(_part("review.js")),
            policy=content_policy(), count=len(self.cards), choices=choices(self.classes))


@cache
def content_policy() -> str:
    """The Content-Security-Policy of the page: its own style, script and pictures, and nothing else."""
    style, script = (_digest(_part(name)) for name in ("review.css", "review.js"))
    # A page opened as a file is not always its own 'self' to a browser.
    return (f"default-src 'none'; img-src 'self' file: data:; style-src {style}; script-src {script}; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'")


def write_pages(sheet: Sheet, photos: Photos, folder: Path, reviewer: str, progress: Callable[[int, int], None]) -> Path:
    """Write the page and its pictures for a reader without a server; the page is written last.

    A photo that is larger than its thumbnail is written a second time for the large view, which loads it when it is opened.

    Args:
        reviewer: stands in the decisions that the page hands out.
        progress: called with pictures done, and their total.

    Returns:
        The page to open.

    Raises:
        InputError: the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("the folder is not empty", where=str(folder), fix="name a new one")
    for number, card in enumerate(sheet.cards):
        places = {THUMBNAILS: THUMBNAIL_SIDE} | ({LARGE: FOLDER_SIDE} if max(card.width, card.height) > THUMBNAIL_SIDE else {})
        for place, jpeg in zip(places, photos.jpegs(card.row, tuple(places.values())), strict=True):
            with replacing(folder / place / f"{number}.jpg") as temporary:
                temporary.write_bytes(jpeg)
        progress(number + 1, len(sheet.cards))
    settings: dict[str, Any] = {"thumbnail": f"{THUMBNAILS}/#.jpg", "photo": f"{LARGE}/#.jpg", "token": None,
                                "reviewer": reviewer, "decided": [], "key": _key(sheet, reviewer)}
    write_text(folder / PAGE, sheet.html(settings))
    return folder / PAGE


def _key(sheet: Sheet, reviewer: str) -> str:
    """Names run, reviewer and queue, so that a browser does not mix the decisions of two."""
    parts = [sheet.title, reviewer, *(card.sample_id for card in sheet.cards)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@cache
def _part(name: str) -> str:
    return (Path(__file__).parents[1] / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
