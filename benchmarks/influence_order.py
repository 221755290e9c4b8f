"""How far is our influence ranking from the one that DataPerf published, and is arithmetic the cause?

    python benchmarks/influence_order.py

Ours against the submission files of the shared tasks, and against the same computation written with torch's own autograd, in
float32 and float64. Writes benchmarks/results/influence_order.json. Needs torch and the shared data (TINYSIEVE_SHARED, else
../shared).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dataperf_debugging import shared_setup

from tinysieve.dataperf.baselines.influence import DAMPING, SCALE, published_influence
from tinysieve.dataperf.baselines.ranker import RankingEvidence, load_evidence
from tinysieve.dataperf.debugging import LabelScore, cleaning_curve
from tinysieve.dataperf.debugging_data import load_task
from tinysieve.dataperf.submissions import Order, read_submission
from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "influence_order.json"
VAL_ROW, HESSIAN_ROWS = 79, 32


def with_autograd(evidence: RankingEvidence, kind: torch.dtype) -> Order:
    """The benchmark's classifier, and one step of its influence recursion, by torch alone."""
    torch.manual_seed(42)
    model = torch.nn.Sequential(torch.nn.Linear(2048, 128), torch.nn.Linear(128, 1)).to(kind)
    loss, optimizer = torch.nn.BCEWithLogitsLoss(), torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.9)
    features, val = torch.tensor(evidence.train, dtype=kind), torch.tensor(evidence.val, dtype=kind)
    labels, val_labels = (torch.tensor(one, dtype=kind)[:, None] for one in (evidence.labels, evidence.val_labels))
    for _ in range(20):
        for start in range(0, len(features), 64):
            optimizer.zero_grad()
            loss(model(features[start : start + 64]), labels[start : start + 64]).backward()
            optimizer.step()
    weights = list(model.parameters())

    def gradient(rows: torch.Tensor, wanted: torch.Tensor, again: bool = False) -> Any:
        return torch.autograd.grad(loss(model(rows), wanted), weights, create_graph=again)

    v = gradient(val[VAL_ROW : VAL_ROW + 1], val_labels[VAL_ROW : VAL_ROW + 1])
    slope = gradient(features[:HESSIAN_ROWS], labels[:HESSIAN_ROWS], again=True)
    curved = torch.autograd.grad(sum((one * other).sum() for one, other in zip(slope, v, strict=True)), weights)
    step = [(2 - DAMPING) * one - other / SCALE for one, other in zip(v, curved, strict=True)]
    products = [sum(float((one * other).sum()) for one, other in
                    zip(gradient(features[row : row + 1], labels[row : row + 1]), step, strict=True))
                for row in range(len(features))]
    return np.argsort(-np.array(products))[::-1]


def main() -> None:
    """Each shared task."""
    setup, made = shared_setup(), {}
    for task in setup.tasks:
        evidence, loaded = load_evidence(setup, task), load_task(setup, task)
        published = read_submission(setup.submission_folder / f"{task.data_id}_influence_function.txt", 300, 300)
        ours = published_influence(evidence, np.random.default_rng(0))
        moved = np.abs(np.argsort(ours) - np.argsort(published))
        score = LabelScore(loaded)
        made[task.data_id] = {
            "rows_elsewhere": int((moved > 0).sum()),
            "by_more_than_5_places": int((moved > 5).sum()), "at_most": int(moved.max()),
            "inspections_ours": round(300 * cleaning_curve(loaded, "ours", ours, score).fraction_fixes),
            "inspections_published": round(300 * cleaning_curve(loaded, "published", published, score).fraction_fixes),
            **{f"places_where_torch_in_{word}_differs_from_ours": int((with_autograd(evidence, kind) != ours).sum())
               for word, kind in (("float32", torch.float32), ("float64", torch.float64))}}
        print(task.data_id, json.dumps(made[task.data_id]), flush=True)
        write_text(RESULT, json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
