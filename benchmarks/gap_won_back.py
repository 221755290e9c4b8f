"""How much of the accuracy that wrong labels cost does each policy win back? From the trainings of benchmarks/voc2007.py.

    python benchmarks/gap_won_back.py [EPOCHS]

The share is (policy - noisy) / (clean - noisy), accuracies being means over the seeds on the same test images; once plain, once
balanced, where both classes weigh alike and a constant answer has 1/2. Intervals come from a bootstrap over test images and
training seeds together (Fieller's for the share); the planted errors are the same for all seeds, so what another planting would
give is not in them. Where wrong labels cost less than the scatter it says so: the share then means nothing. With nothing planted
the noisy labels are the clean ones, and the gain is all there is. Results go to benchmarks/results/gap_won_back.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from tinysieve.ground.atomic_files import write_text

RESULTS = Path(__file__).parent / "results"
RESULT = RESULTS / "gap_won_back.json"
DRAWS, TEST_IMAGES = 10_000, 797
Answers = NDArray[np.bool_]
Strata = NDArray[np.int64]


def answers_of(trainings: Mapping[str, Any], which: str, epochs: int) -> Answers | None:
    """bool [seeds, images] of one kind of labels; None where a training has not stored them."""
    rows = [one.get("answers") for name, one in sorted(trainings.items())
            if name.startswith(f"{which}-") and name.endswith(f"-epochs{epochs}")]
    if not rows or None in rows:
        return None
    return np.stack([unpacked(row) for row in rows])


def unpacked(bits: str) -> NDArray[np.bool_]:
    """bool [images] from hex digits."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8))[:TEST_IMAGES].astype(bool)


def won_back(noisy: Answers, mended: Answers, clean: Answers, strata: Strata, rng: np.random.Generator) -> dict[str, float]:
    """Gap, gain, difference and ratio with 95 % intervals; each bool [seeds, images], of the same images in the same order.

    `strata` int [images]: images are drawn within each stratum, and all strata weigh alike.
    """
    plain = 1 / np.bincount(strata)[strata] / len(np.unique(strata))
    weights = np.empty((DRAWS, len(strata)))
    for inside in (strata == one for one in np.unique(strata)):
        count = int(inside.sum())
        weights[:, inside] = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS) * plain[inside]

    def drawn(answers: Answers) -> NDArray[np.float64]:
        seeds = rng.integers(0, len(answers), (DRAWS, len(answers)))
        by_seed = weights @ answers.T.astype(np.float64)
        return np.take_along_axis(by_seed, seeds, axis=1).mean(axis=1)

    means = {name: float((answers @ plain).mean()) for name, answers in (("noisy", noisy), ("mended", mended), ("clean", clean))}
    base, gain, gap = drawn(noisy), drawn(mended), drawn(clean)
    gap, gain = gap - base, gain - base
    found = {**means, "gap": means["clean"] - means["noisy"], "gain": means["mended"] - means["noisy"]}
    found["over_clean"] = found["gain"] - found["gap"]
    for name, values in (("gap", gap), ("gain", gain), ("over_clean", gain - gap)):
        found[f"{name}_low"], found[f"{name}_high"] = (float(edge) for edge in np.quantile(values, [0.025, 0.975]))
    found["gap_is_real"] = bool(found["gap_low"] > 0)
    if found["gap_is_real"]:
        low, high = (share_at(gain, gap, edge) for edge in (0.025, 0.975))
        found |= {"share": found["gain"] / found["gap"], "share_low": low, "share_high": high}
    return found


def share_at(gain: NDArray[np.float64], gap: NDArray[np.float64], edge: float) -> float:
    """An end of Fieller's interval: the share s whose gain - s * gap has 0 as this quantile; no draw is divided by its gap."""
    return float(brentq(lambda share: np.quantile(gain - share * gap, edge), -1000, 1000))


def described(found: Mapping[str, float]) -> str:
    """One line for people."""
    share = "no share: the gap is not clear of 0"
    if found["gap_is_real"]:
        share = f"{found['share']:.0%} ({found['share_low']:.0%} to {found['share_high']:.0%}) of the gap won back"
    means = " ".join(f"{name} {found[name]:.4f}" for name in ("noisy", "mended", "clean"))
    parts = [f"{name} {found[name]:+.4f} ({found[f'{name}_low']:+.4f} to {found[f'{name}_high']:+.4f})"
             for name in ("gap", "gain", "over_clean")]
    return ", ".join([means, *parts, share])


def main(epochs: int) -> None:
    """Every setting and policy that has answers; what other numbers of epochs gave stays in the file."""
    stored = json.loads((RESULTS / "voc2007.json").read_text())
    trainings, persons = stored["training"], unpacked(stored["test_persons"]).astype(np.int64)
    weighings = {"plain": np.zeros_like(persons), "balanced": persons}
    clean, made = answers_of(trainings.get("clean", {}), "clean", epochs), {}
    for setting in ("wake_vision_rates", "a_quarter_each_way", "nothing_planted"):
        noisy = clean if setting == "nothing_planted" else answers_of(trainings.get(setting, {}), "noisy", epochs)
        for policy in ("consensus", "default", "seed"):
            mended = answers_of(trainings.get(setting, {}), policy, epochs)
            if clean is None or noisy is None or mended is None:
                print(f"{setting}, {policy}: not trained, or trained before answers were kept; run benchmarks/voc2007.py")
                continue
            for name, strata in weighings.items():
                found = won_back(noisy, mended, clean, strata, np.random.default_rng(0))
                made.setdefault(setting, {}).setdefault(policy, {})[name] = found
                print(f"{setting}, {policy}, {name}: {described(found)}")
    if made:
        kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        write_text(RESULT, json.dumps(kept | {f"{epochs} epochs": made}, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
