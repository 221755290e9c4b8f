"""How much of the accuracy that wrong labels cost does each policy win back? From the trainings of benchmarks/voc2007.py.

    python benchmarks/gap_won_back.py [EPOCHS]

The share is (policy - noisy) / (clean - noisy), accuracies being means over the seeds on the same test images. The interval is
of a bootstrap over test images and seeds together; where wrong labels cost less than the scatter it says so: the share then
means nothing. Results go to benchmarks/results/gap_won_back.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.atomic import write_text

RESULTS = Path(__file__).parent / "results"
RESULT = RESULTS / "gap_won_back.json"
DRAWS, TEST_IMAGES = 10_000, 797
Answers = NDArray[np.bool_]


def answers_of(trainings: Mapping[str, Any], which: str, epochs: int) -> Answers | None:
    """bool [seeds, images] of one kind of labels; None where a training has not stored them."""
    rows = [one.get("answers") for name, one in sorted(trainings.items())
            if name.startswith(f"{which}-") and name.endswith(f"-epochs{epochs}")]
    if not rows or None in rows:
        return None
    return np.stack([np.unpackbits(np.frombuffer(bytes.fromhex(row), np.uint8))[:TEST_IMAGES].astype(bool) for row in rows])


def won_back(noisy: Answers, mended: Answers, clean: Answers, rng: np.random.Generator) -> dict[str, float]:
    """Gap, gain and their ratio with 95 % intervals; each bool [seeds, images], of the same images in the same order."""
    images = noisy.shape[1]
    weights = rng.multinomial(images, np.full(images, 1 / images), size=DRAWS) / images

    def drawn(answers: Answers) -> NDArray[np.float64]:
        seeds = rng.integers(0, len(answers), (DRAWS, len(answers)))
        by_seed = weights @ answers.T.astype(np.float64)
        return np.take_along_axis(by_seed, seeds, axis=1).mean(axis=1)

    base, gain, gap = drawn(noisy), drawn(mended), drawn(clean)
    gap, gain = gap - base, gain - base
    found = {"gap": float(clean.mean() - noisy.mean()), "gain": float(mended.mean() - noisy.mean())}
    for name, values in (("gap", gap), ("gain", gain)):
        found[f"{name}_low"], found[f"{name}_high"] = (float(edge) for edge in np.quantile(values, [0.025, 0.975]))
    found["gap_is_real"] = bool(found["gap_low"] > 0)
    if found["gap_is_real"]:
        shares = np.quantile(gain / np.where(gap > 0, gap, np.nan), [0.025, 0.975]) if (gap > 0).all() else [np.nan, np.nan]
        found |= {"share": found["gain"] / found["gap"], "share_low": float(shares[0]), "share_high": float(shares[1])}
    return found


def main(epochs: int) -> None:
    """Every setting and policy that has answers; what other numbers of epochs gave stays in the file."""
    trainings = json.loads((RESULTS / "voc2007.json").read_text())["training"]
    clean, made = answers_of(trainings.get("clean", {}), "clean", epochs), {}
    for setting in ("wake_vision_rates", "a_quarter_each_way"):
        noisy = answers_of(trainings.get(setting, {}), "noisy", epochs)
        for policy in ("consensus", "default", "seed"):
            mended = answers_of(trainings.get(setting, {}), policy, epochs)
            if clean is None or noisy is None or mended is None:
                print(f"{setting}, {policy}: not trained, or trained before answers were kept; run benchmarks/voc2007.py")
                continue
            found = won_back(noisy, mended, clean, np.random.default_rng(0))
            made.setdefault(setting, {})[policy] = found
            share = f"{found['share']:.0%}" if found["gap_is_real"] else "no share: the gap is not clear of 0"
            print(f"{setting}, {policy}: gap {found['gap']:+.4f} ({found['gap_low']:+.4f} to {found['gap_high']:+.4f}), gain "
                  f"{found['gain']:+.4f} ({found['gain_low']:+.4f} to {found['gain_high']:+.4f}), {share}")
    if made:
        stored = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        write_text(RESULT, json.dumps(stored | {f"{epochs} epochs": made}, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
