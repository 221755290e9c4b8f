"""Fit the presence heads that ship in models/, one for each class of PASCAL VOC 2007, to its train photos, and measure them.

    python benchmarks/train_presence_head.py --data ../shared/data/voc2007_person [--classes cat dog]

Half an hour on two cores for all twenty; features are made once and kept under runs/. Expect 0.89 cross-validated accuracy on
train for persons; the regularisation of each head is chosen there, validation and test are only measured. Rewrites
models/presence_heads/CLASS.npz and the entries of these classes in models/presence_head.json; prints the table of
models/README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from voc_classes import Photos, features_of, read_photos  # noqa: E402

from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone  # noqa: E402
from tinysieve.filtering.evidence.presence_head import HEADS, PresenceHead  # noqa: E402
from tinysieve.ground.atomic_files import write_text  # noqa: E402
from tinysieve.ground.statistics import wilson_interval  # noqa: E402

STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FOLDS = 5
SEED = 0
Facts = dict[str, Any]


def main() -> None:
    """Embed once; then choose, fit, round, measure and write, class by class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.csv (filename, split, classes) and images/")
    parser.add_argument("--out", type=Path, default=ROOT / "models")
    parser.add_argument("--classes", nargs="+", metavar="CLASS", help="all that labels.csv has, when not given")
    arguments = parser.parse_args()
    photos, backbone = read_photos(arguments.data), Lite0Backbone()
    features = features_of(photos, backbone, ROOT / "runs" / "benchmark_classes")
    measured_file = arguments.out / "presence_head.json"
    facts: dict[str, Facts] = json.loads(measured_file.read_text()) if measured_file.exists() else {}
    (arguments.out / HEADS).mkdir(exist_ok=True)
    for name in arguments.classes or photos.held:
        head, facts[name] = head_of(photos, name, features, backbone.fingerprint)
        (arguments.out / HEADS / f"{name}.npz").write_bytes(head.to_bytes())
        write_text(measured_file, json.dumps(dict(sorted(facts.items())), indent=1) + "\n")
        print(name, json.dumps(facts[name]), flush=True)
    print("\n".join(table_of(facts)))


def head_of(photos: Photos, name: str, features: NDArray[np.float32], backbone: str) -> tuple[PresenceHead, Facts]:
    """The head of one class after rounding to half precision, and how good it is."""
    positive, train = photos.held[name].astype(np.int64), photos.in_split("train")
    strength, scores = best_strength(features[train], positive[train])
    head = PresenceHead.from_bytes(fitted(features[train], positive[train], strength, backbone).to_bytes())
    share = float(positive[train].mean())
    by_split = {}
    for split in ("train", "val", "test"):
        rows = photos.in_split(split)
        by_split[split] = measured(head.probabilities(features[rows]), positive[rows], share)
    cross_validated = {str(c): round(score, 4) for c, score in scores.items()}
    return head, {"C": strength, "train_share": round(share, 4), "train_cross_validated": cross_validated, "images": by_split}


def best_strength(features: NDArray[np.float32], positive: NDArray[np.int64]) -> tuple[float, dict[float, float]]:
    """The inverse regularisation C with the least cross-validated log loss, and the accuracy of each."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    losses, accuracies = {}, {}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=2000)
        p = cross_val_predict(model, features, positive, cv=folds, method="predict_proba")[:, 1]
        losses[strength], accuracies[strength] = log_loss(positive, p), float(((p >= 0.5) == positive).mean())
    return min(losses, key=losses.__getitem__), accuracies


def fitted(features: NDArray[np.float32], positive: NDArray[np.int64], strength: float, backbone: str) -> PresenceHead:
    """The head of all train images."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000).fit(features, positive)
    return PresenceHead(model.coef_[0].astype(np.float32), float(model.intercept_[0]), backbone)


def measured(p_positive: NDArray[np.float32], positive: NDArray[np.int64], train_share: float) -> Facts:
    """Accuracy with Wilson's 95 % interval, area under the ROC curve, and the shares of both classes that are recognised.

    Of a rare class a calibrated head seldom says 0.5 or more. `balanced_accuracy_at_train_share` asks instead whether the photo
    makes the class likelier than it was without looking, which is what 0.5 means where both classes are as frequent.
    """
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    right = (p_positive >= 0.5) == positive
    interval = wilson_interval(int(right.sum()), len(right))
    values = {"accuracy": right.mean(), "auroc": roc_auc_score(positive, p_positive),
              "balanced_accuracy": balanced_accuracy_score(positive, p_positive >= 0.5),
              "balanced_accuracy_at_train_share": balanced_accuracy_score(positive, p_positive >= train_share),
              "recall_positive": right[positive == 1].mean(), "recall_negative": right[positive == 0].mean()}
    return {"images": len(positive), "positives": int(positive.sum()),
            "interval": [round(interval.low, 4), round(interval.high, 4)]
            } | {key: round(float(value), 4) for key, value in values.items()}


def table_of(facts: dict[str, Facts]) -> list[str]:
    """The test photos' measures of every class as Markdown, the best ranked first."""
    lines = ["| class | train photos with it | test photos with it | C | AUROC | balanced accuracy | at the train share |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for name, fact in sorted(facts.items(), key=lambda entry: -entry[1]["images"]["test"]["auroc"]):
        train, test = fact["images"]["train"], fact["images"]["test"]
        lines.append(f"| {name} | {train['positives']:,} | {test['positives']} | {fact['C']:g} | {test['auroc']:.3f} | "
                     f"{test['balanced_accuracy']:.1%} | {test['balanced_accuracy_at_train_share']:.1%} |")
    return lines


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
