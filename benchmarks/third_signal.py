"""Does a third independent signal help to mend labels? A published classifier beside boxes and out-of-fold classifier.

    python benchmarks/third_signal.py [--seeds 10]

The filter `image_model` runs `models/reference/wv_quality_mcunet-320kb-1mb_vww.tflite` of the real data folder (TINYSIEVE_SHARED,
else ../shared) on VOC 2007, which it has never seen. Planted errors, seeds and measures are those of benchmarks/label_quality.py:
the same photos, with and without the third score in one run. Writes benchmarks/results/third_signal.json, prints Markdown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from label_quality import COLUMNS, SEEDS_FROM, contest, show
from label_quality_inputs import Inputs, voc_inputs
from label_quality_peers import WITHOUT_PRIOR, Verdict, consensus, scores_of
from sklearn.metrics import roc_auc_score
from voc2007 import SHARED, announce, open_run

from tinysieve.dataset.classes import UNLABELED
from tinysieve.filtering.decisions.consensus import weigh
from tinysieve.filtering.filters.image_model import ImageModel, calibrated
from tinysieve.filtering.filters.probable_label import NEAREST, probable_label
from tinysieve.filtering.score import Score, log_odds
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.engine.stages import run_stages
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.stages.image_model import margins_of

RESULT = Path(__file__).parent / "results" / "third_signal.json"
MODEL = SHARED / "models/reference/wv_quality_mcunet-320kb-1mb_vww.tflite"
SETTINGS = ("wake_vision_rates", "a_quarter_each_way", "nothing_planted")


def margins() -> np.ndarray:
    """The model's margin on all photos, by the stage of the main job."""
    settings = f"{{enabled: true, file: '{MODEL}', classes: [background, person]}}"
    run = open_run("third_signal", f"filter.image_model={settings}")
    run_stages(run, [stage for stage in stages_of(run.config) if stage.name in ("ingest", "image-model")], announce)
    return margins_of(run)


def with_third(margin: np.ndarray, inputs: Inputs) -> Verdict:
    """The consensus that weighs the third score and hears its votes, calibrated on the given labels as the filter does."""
    probable = calibrated(margin, inputs.given)
    score = Score("image_model", "image_model", log_odds(probable, NEAREST))
    votes = probable_label(probable, "image_model", "image_model", ImageModel().sure)
    unverified = np.full(len(inputs.given), UNLABELED, np.int8)
    beliefs = weigh([*scores_of(inputs), score], inputs.given, inputs.given >= 0, unverified)
    plan = WITHOUT_PRIOR.decide([*inputs.opinions[:3], votes], beliefs, inputs.given, inputs.eligible)
    made = inputs.given.copy()
    made[plan.decisions.rows] = plan.decisions.new_labels
    return Verdict(beliefs.p_wrong(inputs.given), made)


def main() -> None:
    """Both, at each rate of planted errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    margin = margins()
    made = voc_inputs(range(SEEDS_FROM, SEEDS_FROM + args.seeds))
    peers: dict[str, Callable[[Inputs], Verdict]] = {
        "consensus of two signals": consensus, "consensus of three signals": partial(with_third, margin)}
    truth = made["nothing_planted"]()[0].truth
    results: dict[str, object] = {
        "seeds": args.seeds, "model": MODEL.name, "auroc_of_the_model": round(float(roc_auc_score(truth, margin)), 4),
        "accuracy_of_the_model": round(float(((margin > 0) == truth).mean()), 4)}
    print(f"the model alone on these photos: AUROC {results['auroc_of_the_model']}, right {results['accuracy_of_the_model']}")
    for setting in SETTINGS:
        table = contest(made[setting](), peers)
        results[setting] = table
        write_text(RESULT, json.dumps(results, indent=1) + "\n")
        show(setting, {name: {column: row[column] for column, _ in COLUMNS.values()} for name, row in table.items()})


if __name__ == "__main__":
    main()
