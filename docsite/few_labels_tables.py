"""Tables of what happens where labels are few, out of benchmarks/results/few_labels.json."""

from __future__ import annotations

from typing import Any

from docsite.result_tables import percent, result, table

RATES = {"wake_vision_rates": "Wake Vision's rates", "a_quarter_each_way": "25 % each way", "nothing_planted": "nothing"}
SIZES = ("300", "800", "1600", "3422", "coco256")
OURS = "consensus (ours)"


def few_labels() -> str:
    """Every judge with YOLO's boxes."""
    return _judges("YOLO11n", (OURS, "consensus without prior", "two signals (default)", "detector alone (seed)",
                               "cleanlab", "FiftyOne mistakenness"))


def few_labels_head() -> str:
    """The policies with the shipped head in place of a detector."""
    return _judges("shipped head", (OURS, "two signals (default)", "detector alone (seed)"))


def _judges(detector: str, names: tuple[str, ...]) -> str:
    stored = result("few_labels")["labels"]
    head = ("planted", "photos", "judge", "wrong after, per planted", "dropped", "F1 of changes", "newly wrong",
            "ours less this judge, 95 %")
    return table(head, [(RATES[rate], size, name, *_measures(stored[f"{size}, {rate}"][detector][name]),
                         "" if name == OURS else _interval(stored[f"{size}, {rate}"][detector][name]["ours_less"]))
                        for rate in RATES for size in SIZES for name in names])


def _measures(row: dict[str, Any]) -> tuple[str, ...]:
    wrong, f1 = ("" if key not in row else f"{row[key]['mean']:.3f} ± {row[key]['sd']:.3f}" for key in ("wrong_after", "f1"))
    return wrong, percent(row["dropped"]["mean"]), f1, percent(row["newly_wrong"]["mean"])


def _interval(row: dict[str, float]) -> str:
    return f"{row['mean']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def few_settings() -> str:
    """One setting changed at a time."""
    stored, sizes = result("few_labels_settings"), ("300", "800", "coco256")
    head = ("planted", "photos", "setting", "wrong after, per planted", "dropped", "F1 of changes", "newly wrong")
    return table(head, [(RATES[rate], size, name, *_measures(row))
                        for rate in RATES for size in sizes for name, row in stored[f"{size}, {rate}"].items()])


def few_looks() -> str:
    """What a person's answers add."""
    stored = result("few_labels")["looks"]
    head = ("planted", "photos", *(f"{looks} looks" for looks in ("no", "20", "50", "100")))
    rows = [(RATES[rate], size, *(f"{row['wrong_after']['mean']:.3f}, {percent(row['dropped']['mean'])} dropped"
                                  for row in stored[f"{size}, {rate}"].values()))
            for rate in RATES if rate != "nothing_planted" for size in SIZES[:3]]
    return table(head, rows)


def few_downstream() -> str:
    """Accuracy that labels are worth."""
    stored = result("few_labels")["downstream"]
    names = (OURS, "two signals (default)", "detector alone (seed)", "cleanlab", "FiftyOne mistakenness", "true labels")
    head = ("planted", "photos", "noisy labels", *names)
    rows = []
    for rate, called in RATES.items():
        for size in SIZES[:3]:
            row = stored[f"{size}, {rate}"]
            gains = (f"{100 * row[name]['mean']:+.1f} ({100 * row[name]['low']:+.1f} to {100 * row[name]['high']:+.1f})"
                     for name in names)
            rows.append((called, size, percent(row["noisy"]["gain"]["mean"]), *gains))
    return table(head, rows)


def few_network() -> str:
    """What the labels are worth to the fine-tuned network, a planting a row."""
    rows = []
    for place, row in result("few_labels_network")["trained"].items():
        photos, rate, labels, planting, _ = place.split(", ")
        called = "given" if labels == "noisy" else f"mended by the {labels}"
        rows.append((RATES[rate], photos, planting.removeprefix("planting "), called, str(row["photos"]), str(row["best_epoch"]),
                     percent(row["accuracy"]), f"{percent(row['interval'][0])} to {percent(row['interval'][1])}",
                     percent(row["balanced_accuracy"])))
    return table(("planted", "photos", "planting", "labels", "of them used", "best epoch", "accuracy", "95 %", "balanced"), rows)


def few_calibration() -> str:
    """Promised and found shares of wrong labels."""
    stored = result("few_labels")["calibration"]
    head = ("planted", "photos", "probability of error from", "promised", "found", "labels")
    return table(head, [(RATES[rate], size, f"{band['from']:g}", f"{band['promised']:.3f}", f"{band['found']:.3f}",
                         f"{band['labels']:,}")
                        for rate in RATES for size in ("300", "1600") for band in stored[f"{size}, {rate}"]["YOLO11n"]])


def closer_look() -> str:
    """The presence head with and without a closer look."""
    rows = []
    for name, found in result("closer_look").items():
        for way in ("whole", "closer, as it ships", "closer, cross-validated"):
            if way in found:
                row = found[way]
                rows.append((name, way, percent(row["accuracy"]), f"{row['auroc']:.3f}", f"{row['log_loss']:.3f}"))
    return table(("photos", "look", "accuracy", "AUROC", "log loss"), rows)
