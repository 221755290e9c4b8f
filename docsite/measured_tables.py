"""Tables of docs/measured.md out of benchmarks/results/: between `<!-- made: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docsite import few_labels_tables as few
from docsite import memory_tables as memory
from docsite import starting_weights_tables as start
from docsite.result_tables import percent, result, table

MADE = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str, tables: Mapping[str, Callable[[], str]] | None = None) -> str:
    """A page with its made tables as the result files say; by default those of docs/measured.md."""
    made = TABLES if tables is None else tables
    return MADE.sub(lambda match: match[1] + "\n" + made[match[2]]() + "\n" + match[3], text)


def fit() -> str:
    """Arena and file of every model, before and after."""
    return table(("model", "RAM target, B", "arena, B", "file, B", "MACs added"), [
        (row["model"], f"{row['ram_bytes']:,}", _change(row["arena_bytes"]), _change(row["file_bytes"]),
         f"{row['extra_macs']:.2%}")
        for row in result("fit")["rows"]])


def _change(pair: Sequence[int]) -> str:
    return f"{pair[0]:,} to {pair[1]:,}"


def rankings() -> str:
    """DataPerf debugging, the best mean first."""
    results = result("dataperf_debugging")
    rows = sorted(((sum(shares) / len(shares), name, shares) for name, shares in results["rankings"].items()),
                  key=lambda row: row[0])
    return table(("ranking, mean share inspected", *results["tasks"], "mean"),
                 [(name, *map(share, shares), share(mean)) for mean, name, shares in rows])


def share(value: float) -> str:
    """Four digits without a leading zero, as the field writes shares."""
    return f"{value:.4f}".removeprefix("0") if value else "0"


def strategies() -> str:
    """DataPerf selection: mean F1 of each strategy."""
    return table(("strategy", "mean F1"), [(name, f"{row['mean_f1']:.3f}".removeprefix("0"))
                                           for name, row in result("dataperf_strategies").items()])


def label_issues() -> str:
    """Confident learning on made probabilities: time and memory."""
    rows = result("label_errors")["contestants"]
    return table(("6,000,000 x 2 probabilities", "seconds", "peak memory, GB", "judged otherwise"), [
        (name, f"{row['seconds']:.2f}", f"{row['peak_gb']:.2f}", f"{row['judged_otherwise_than_tinysieve']:,}")
        for name, row in rows.items()])


PLANTED = {"wake_vision_rates": "7.4 % of backgrounds, 5.3 % of persons", "a_quarter_each_way": "25 % each way",
           "nothing_planted": "nothing planted or hidden"}
LABELS = {"noisy": "noisy labels", "seed": "mended, `seed` policy", "default": "mended, `default` policy",
          "consensus": "mended, `consensus` policy", "clean": "clean labels"}


def planted() -> str:
    """What the policies did with planted errors in VOC 2007."""
    head = ("planted", "policy", "wrong labels", "mended", "dropped", "left", "newly wrong", "right but dropped",
            "pseudo-labels right", "abstained", "labels kept, of them right")
    filtering = result("voc2007")["filtering"]
    return table(head, [_planted(PLANTED[setting], policy, row) for setting in PLANTED
                        for policy, row in filtering[setting].items()])


def _planted(setting: str, policy: str, row: dict[str, Any]) -> tuple[str, ...]:
    guessed = f"{percent(row['pseudo_label_accuracy'])} of {row['pseudo_labels']:,}" if row.get("pseudo_labels") else ""
    counts = [f"{row[key]:,}" for key in ("planted", "mended", "dropped", "left", "newly_wrong", "right_but_dropped")]
    return (setting, f"`{policy}`", *counts, guessed, f"{row['abstained']:,}",
            f"{row['labels_kept']:,}, {percent(row['share_of_kept_labels_right'])}")


def _trainings(setting: str, epochs: int, labels: Sequence[str], interval: bool) -> str:
    training = result("voc2007")["training"]
    of = {name: {f"{name}-seed{seed}-epochs{epochs}": None for seed in range(9)} for name in labels}
    rows = []
    for name, runs in of.items():
        done = [training["clean" if name == "clean" else setting][run] for run in runs
                if run in training["clean" if name == "clean" else setting]]
        values = [percent(run["int8_test_accuracy"]) + (f" ({percent(run['low'])} to {percent(run['high'])})" if interval else "")
                  for run in done]
        mean = [percent(sum(run["int8_test_accuracy"] for run in done) / len(done))]
        rows.append((LABELS[name], *values, *(mean if len(done) > 2 else [])))
    seeds = max(len(row) for row in rows) - 1
    last = ["mean"] if seeds > 2 else []
    return table(("labels", *(f"seed {number}" for number in range(seeds - len(last))), *last), rows)


TABLES: dict[str, Callable[[], str]] = {
    "few_labels": few.few_labels, "few_labels_head": few.few_labels_head, "few_looks": few.few_looks,
    "few_settings": few.few_settings, "starting_weights": start.starting_weights, "own_photos": start.own_photos,
    "few_downstream": few.few_downstream, "few_network": few.few_network, "few_calibration": few.few_calibration,
    "closer_look": few.closer_look,
    "frontier": memory.frontier, "kept": memory.kept, "instructions": memory.instructions,
    "fit": fit, "rankings": rankings, "strategies": strategies, "label_issues": label_issues, "planted": planted,
    "quarter_8": lambda: _trainings("a_quarter_each_way", 8, ("noisy", "seed", "default", "consensus", "clean"), True),
    "rates_8": lambda: _trainings("wake_vision_rates", 8, ("noisy", "seed", "default", "consensus"), True),
    "rates_20": lambda: _trainings("wake_vision_rates", 20, ("noisy", "consensus"), False),
    "quarter_20": lambda: _trainings("a_quarter_each_way", 20, ("noisy", "consensus", "clean"), False),
}
