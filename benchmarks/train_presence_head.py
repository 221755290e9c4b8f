"""Fit the presence head that ships in models/ to PASCAL VOC 2007 train, and measure it.

    python benchmarks/train_presence_head.py --data ../shared/data/voc2007_person

About a minute on two cores. Expect 0.89 cross-validated accuracy on train; the regularisation is chosen there,
validation and test are only measured. Rewrites models/presence_head.npz and models/presence_head.json.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone  # noqa: E402
from tinysieve.filtering.evidence.embeddings import embed_all  # noqa: E402
from tinysieve.filtering.evidence.presence_head import HEAD_FILE, PresenceHead  # noqa: E402

STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FOLDS = 5
SEED = 0


def main() -> None:
    """Embed, choose, fit, round, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.csv and images/")
    parser.add_argument("--out", type=Path, default=ROOT / "models")
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.data / "labels.csv")
    backbone = Lite0Backbone()
    features = embedded(backbone, arguments.data / "images", table["filename"].tolist())
    person, train = table["person"].to_numpy(), (table["split"] == "train").to_numpy()
    strength, scores = best_strength(features[train], person[train])
    head = PresenceHead.from_bytes(fitted(features[train], person[train], strength, backbone.fingerprint).to_bytes())
    by_split = {}
    for split in ("train", "val", "test"):
        rows = (table["split"] == split).to_numpy()
        by_split[split] = measured(head.probabilities(features[rows]), person[rows])
    cross_validated = {str(c): round(score, 4) for c, score in scores.items()}
    facts = {"C": strength, "train_cross_validated": cross_validated, "images": by_split}
    (arguments.out / HEAD_FILE).write_bytes(head.to_bytes())
    text = json.dumps(facts, indent=1) + "\n"
    (arguments.out / HEAD_FILE).with_suffix(".json").write_text(text)
    print(text)


def embedded(backbone: Lite0Backbone, images: Path, names: list[str]) -> NDArray[np.float32]:
    """Features float32 [N, 1280] of the named images."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [images / name for name in names]
        return np.array(embed_all(backbone, paths, names, Path(folder), 256, lambda done, total: None), np.float32)


def best_strength(features: NDArray[np.float32], person: NDArray[np.int64]) -> tuple[float, dict[float, float]]:
    """The inverse regularisation C with the least cross-validated log loss, and the accuracy of each."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    losses, accuracies = {}, {}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=2000)
        p = cross_val_predict(model, features, person, cv=folds, method="predict_proba")[:, 1]
        losses[strength], accuracies[strength] = log_loss(person, p), float(((p >= 0.5) == person).mean())
    return min(losses, key=losses.__getitem__), accuracies


def fitted(features: NDArray[np.float32], person: NDArray[np.int64], strength: float, backbone: str) -> PresenceHead:
    """The head of all train images."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000).fit(features, person)
    return PresenceHead(model.coef_[0].astype(np.float32), float(model.intercept_[0]), backbone)


def measured(p_positive: NDArray[np.float32], person: NDArray[np.int64]) -> dict[str, float | int | list[float]]:
    """Accuracy with Wilson's 95 % interval, area under the ROC curve, and the shares found of each class."""
    from sklearn.metrics import roc_auc_score

    right = (p_positive >= 0.5) == person
    low, high = wilson(int(right.sum()), len(right))
    return {
        "images": len(person), "accuracy": round(float(right.mean()), 4), "interval": [round(low, 4), round(high, 4)],
        "auroc": round(float(roc_auc_score(person, p_positive)), 4),
        "recall_person": round(float(right[person == 1].mean()), 4),
        "recall_background": round(float(right[person == 0].mean()), 4),
    }  # fmt: skip


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return middle - half, middle + half


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
