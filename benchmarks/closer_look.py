"""What the shipped presence head gains by looking at five parts of a photo, on photos that it has not seen.

    python benchmarks/closer_look.py

The weights of whole and best part are fitted to VOC 2007's val photos (733) and tried on them by ten-fold cross-validation, and
as they ship on the 256 COCO photos. Some minutes on two cores; results go to benchmarks/results/closer_look.json.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict
from voc2007 import SHARED

from tinysieve.dataset.images import decode
from tinysieve.filtering.evidence.detectors.closer_look import NEAREST, OF_PART, OF_WHOLE, OFFSET, parts
from tinysieve.filtering.evidence.presence_head import PresenceDetector
from tinysieve.filtering.score import log_odds
from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "closer_look.json"
BELOW = 0.9
CHUNK = 8


def photos(folder: Path, split: str | None) -> tuple[list[Path], np.ndarray]:
    """Files and whether they hold a person."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if split is None or row["split"] == split]
    return [folder / "images" / row["filename"] for row in rows], np.array([int(row["person"]) for row in rows])


def confidences(files: list[Path]) -> np.ndarray:
    """Log-odds of the whole and of the best part, float64 [N, 2]."""
    detector, found = PresenceDetector(min_confidence=0.0), []
    for start in range(0, len(files), CHUNK):
        for image in (decode(file) for file in files[start : start + CHUNK]):
            views = [image, *(np.ascontiguousarray(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in parts(*image.shape[1::-1]))]
            said = [float(rows[0, 4]) for rows in detector.detect(views)]
            found.append((said[0], max(said[1:])))
        print(f"{len(found):,} of {len(files):,} photos", flush=True)
    return log_odds(np.array(found), NEAREST)


def judged(odds: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How well log-odds tell persons."""
    p = np.clip(1 / (1 + np.exp(-odds)), NEAREST, 1 - NEAREST)
    return {"accuracy": round(float(((p > 0.5) == truth).mean()), 4), "auroc": round(float(roc_auc_score(truth, p)), 4),
            "log_loss": round(float(log_loss(truth, p)), 4)}


def main() -> None:
    """Both sets."""
    results: dict[str, object] = {}
    for name, folder, split in (("voc2007 val", "voc2007_person", "val"), ("coco256", "coco256", None)):
        files, truth = photos(SHARED / "data" / folder, split)
        odds = confidences(files)
        looked = odds[:, 0] < np.log(BELOW / (1 - BELOW))
        closer = np.where(looked, odds @ [OF_WHOLE, OF_PART] + OFFSET, odds[:, 0])
        results[name] = {"photos": len(files), "looked_closer": round(float(looked.mean()), 3),
                         "whole": judged(odds[:, 0], truth), "closer, as it ships": judged(closer, truth)}
        if split:
            model = LogisticRegression(C=100)
            fitted = model.fit(odds[looked], truth[looked])
            held_out = odds[:, 0].copy()
            held_out[looked] = cross_val_predict(model, odds[looked], truth[looked], cv=10, method="decision_function")
            results[name] |= {"closer, cross-validated": judged(held_out, truth),
                              "weights": [*fitted.coef_[0].round(3).tolist(), round(float(fitted.intercept_[0]), 3)]}
        print(name, results[name], flush=True)
    write_text(RESULT, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
