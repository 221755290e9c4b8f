"""What duplicates, image quality and depictions find of planted cases on real photos.

    python benchmarks/look_alikes.py

Needs the real data folder (TINYSIEVE_SHARED, else ../shared). Copies, spoilt images and make-believe depictions are made from
VOC 2007's photos; what the filters say of the photos as they are counts as false (a few bursts of one scene are not).
No data at hand holds real depictions: sketches and prints made by a program are easier than drawings and statues, so the last
table shows the machinery and its limit (a style without examples), not what to expect. Results go to
benchmarks/results/look_alikes.json.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score
from voc2007 import SHARED, announce, open_run, true_labels

from tinysieve.dataset.images import Pixels, decode, resize_bilinear
from tinysieve.dataset.ingest import open_pixels
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, shrink
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.filtering.evidence.image_quality import measure_quality
from tinysieve.filtering.evidence.near_duplicates import same_look, same_pixels
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Directions, Neighbors
from tinysieve.filtering.filters.depictions import DEPICTED, REAL, UNKNOWN, depiction_probabilities
from tinysieve.filtering.filters.poor_images import PoorImages, poor_images
from tinysieve.filtering.opinion import ABSTAIN
from tinysieve.pipeline.engine.stages import run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.embed import EMBED, EMBEDDINGS
from tinysieve.pipeline.stages.ingest import samples_of

RESULT = Path(__file__).parent / "results" / "look_alikes.json"
PHOTOS = SHARED / "data/voc2007_person/images"
RADIUS, CORRELATION, LOOK = 8, 0.9, 0.9
COPIED, DEPICTED_PHOTOS, EACH = 100, 300, 100
Change = Callable[[Pixels], Pixels]


def _jpeg(image: Pixels) -> Pixels:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=30)
    return decode(stream.getvalue())


def _crop(share: float) -> Change:
    def crop(image: Pixels) -> Pixels:
        top, left = (round(side * share / 2) for side in image.shape[:2])
        return image[top : image.shape[0] - top, left : image.shape[1] - left]

    return crop


def _grey(image: Pixels) -> Pixels:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., np.newaxis], 3, axis=2)


def _poster(image: Pixels) -> Pixels:
    """The photo as a print in a frame on a plain wall."""
    side = cv2.resize(image, (140, 120), interpolation=cv2.INTER_AREA)
    wall = np.full((240, 320, 3), (190, 180, 165), np.uint8)
    wall[50:190, 80:240] = 60
    wall[60:180, 90:230] = side
    return wall


COPIES: dict[str, Change] = {
    "JPEG quality 30": _jpeg,
    "half the size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "30 % brighter": lambda image: np.clip(image * 1.3, 0, 255).astype(np.uint8), "grey": _grey,
    "4 % cropped": _crop(0.04), "10 % cropped": _crop(0.10), "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
}
SPOILT: dict[str, Change] = {
    "darkened to 15 %": lambda image: (image * 0.15).astype(np.uint8),
    "darkened to 30 %": lambda image: (image * 0.3).astype(np.uint8),
    "washed out to 20 %": lambda image: (255 - (255 - image) * 0.2).astype(np.uint8),
    "blurred, 2 px": lambda image: cv2.GaussianBlur(resize_bilinear(image), (0, 0), 2),
    "blurred, 3 px": lambda image: cv2.GaussianBlur(resize_bilinear(image), (0, 0), 3),
    "one grey level": lambda image: np.full_like(image, 90),
}
STYLES: dict[str, Change] = {
    "sketch": lambda image: cv2.cvtColor(cv2.pencilSketch(image, sigma_s=40, shade_factor=0.04)[0], cv2.COLOR_GRAY2RGB),
    "painting": lambda image: (cv2.stylization(image, sigma_s=40, sigma_r=0.3) // 48) * 48, "print in a frame": _poster,
}


def copies_found(photos: list[Pixels], backbone: Lite0Backbone, mean: np.ndarray) -> dict[str, dict[str, float]]:
    """Share of copies found by pixels, and by look."""
    plain, table = [resize_bilinear(photo) for photo in photos], {}
    looks = Directions(backbone.embed(np.stack([shrink(photo) for photo in photos])), mean).take(slice(None))
    count = len(photos)
    partner = np.concatenate([np.arange(count) + count, np.arange(count)])[:, np.newaxis].astype(np.int32)
    for name, change in COPIES.items():
        changed = [change(photo) for photo in photos]
        both = np.stack(plain + [resize_bilinear(image) for image in changed])
        by_pixels = same_pixels(both, np.arange(2 * count), RADIUS, CORRELATION).pairs
        other = Directions(backbone.embed(np.stack([shrink(image) for image in changed])), mean).take(slice(None))
        alike = np.tile((looks * other).sum(axis=1), 2)[:, np.newaxis]
        by_look = same_look(Neighbors(partner, alike), LOOK).pairs
        table[name] = {way: float((pairs[:, 1] - pairs[:, 0] == count).sum()) / count
                       for way, pairs in (("by_pixels", by_pixels), ("by_look", by_look))}
    return table


def spoilt_found(photos: list[Pixels]) -> dict[str, float]:
    """Share of spoilt photos that get a request."""
    rows = np.arange(len(photos))
    sides = np.full(len(photos), 224)
    table = {}
    for name, change in SPOILT.items():
        pixels = np.stack([resize_bilinear(change(photo)) for photo in photos])
        said = poor_images(measure_quality(pixels, rows, sides, sides, 2, lambda done, total: None), PoorImages())
        table[name] = float((said.proposed != ABSTAIN).mean())
    return table


def depictions_found(photos: list[Pixels], features: np.ndarray, backbone: Lite0Backbone) -> dict[str, dict[str, float]]:
    """AUROC of depictions against real persons; rows: the style of the examples, columns: the style that is judged."""
    drawn = {name: backbone.embed(np.stack([shrink(change(photo)) for photo in photos[:EACH]]))
             for name, change in STYLES.items()}
    table: dict[str, dict[str, float]] = {}
    for learned, taught in drawn.items():
        for judged, asked in drawn.items():
            # Half of the styled photos teach, the other half is judged, against real photos that are neither.
            half = EACH // 2
            stacked = np.concatenate([taught[:half], features[EACH : EACH + half],
                                      asked[half:], features[EACH + half : 2 * EACH]])
            known = np.repeat(np.array([DEPICTED, REAL, UNKNOWN], np.int8), [half, half, EACH])
            probable = depiction_probabilities(stacked, known, 5, np.random.default_rng(0))[-EACH:]
            table.setdefault(learned, {})[judged] = float(roc_auc_score(np.arange(EACH) < half, probable))
    return table


def main() -> None:
    """All tables; the run `clean` of benchmarks/voc2007.py gives pixels and features."""
    run = open_run("clean")
    run_stages(run, stages_until(run.config, EMBED.name), announce)
    samples, truth = samples_of(run), true_labels(run)
    features = read_embeddings(EMBEDDINGS.path(run), len(samples))
    names, backbone = samples.table["filepath"].to_pylist(), Lite0Backbone()
    rows = np.arange(0, len(samples), len(samples) // COPIED)[:COPIED]
    photos = [decode(PHOTOS / names[row]) for row in rows]
    pixels, pixel_row = open_pixels(run.at("ingest")), samples.numbers("pixel_row")
    near = nearest(features, 20, len(samples), lambda done, total: None)
    quality = measure_quality(pixels, pixel_row, samples.numbers("width"), samples.numbers("height"), 2, lambda done, total: None)
    persons = np.flatnonzero(truth == 1)[:DEPICTED_PHOTOS]
    results = {
        "photos_as_they_are": {
            "photos": len(samples), "pairs_by_pixels": len(same_pixels(pixels, pixel_row, RADIUS, CORRELATION).pairs),
            "pairs_by_look": [[names[one] for one in pair] for pair in same_look(near, LOOK).pairs],
            "poor_images": int((poor_images(quality, PoorImages()).proposed != ABSTAIN).sum())},
        "copies_found": copies_found(photos, backbone, Directions.of(features).mean),
        "spoilt_found": spoilt_found(photos),
        "depictions_auroc": depictions_found([decode(PHOTOS / names[row]) for row in persons], features[persons], backbone)}
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
