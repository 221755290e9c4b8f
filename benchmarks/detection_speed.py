"""Detection, files to boxes: ours against plain `yolo predict`, photos a second.

    python -m benchmarks.detection_speed [--photos 400] [--repeats 3]

Each measurement is a fresh process that loads the weights, reads the photos and writes the boxes; the
clock starts after the imports. The two sides take turns. `yolo predict` runs through its own command-line entry point
with `save=False save_txt=True`: it writes boxes and nothing else, which is the faster way to run it; with its default
(annotated pictures) it is measured too. Ours keeps boxes down to 0.05 where `yolo predict` keeps them
down to 0.25. The export of a `.pt` to OpenVINO is made once, before the clock, and its seconds are stored.
Core time (all threads, what a machine shared with others cannot distort much) is stored beside the wall's.
Goals: 2 times on the same `.pt` with 99.5 % of the presence answers equal; 1.2 times on the same export.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "detection_speed.json"
CASES = {"pt": ("yolo11n_from_int8.pt", 2.0), "openvino": ("yolo11n_int8_openvino_model", 1.2)}
THRESHOLD = 0.25
AGREEMENT = 0.995


def measure_ours(weights: Path, photos: Path, out: Path, cache: Path) -> tuple[float, float]:
    """Seconds on the wall and of the cores, from weights on disk to `detections.parquet`."""
    import openvino  # noqa: F401
    import pyarrow as pa

    sys.path.insert(0, str(ROOT / "tests/filtering"))
    from part_pass import PlannedPhotos

    from tinysieve.filtering.evidence.boxes import write_boxes
    from tinysieve.filtering.evidence.detectors.box_parts import BoxParts, together
    from tinysieve.filtering.evidence.detectors.open_detector import open_detector
    from tinysieve.filtering.evidence.detectors.weights import DetectorSettings

    names = sorted(path.name for path in photos.iterdir())
    start, busy = time.perf_counter(), time.process_time()
    parts = BoxParts(out / "parts", lambda threads: open_detector(DetectorSettings(weights, device="cpu"), cache))
    planned = PlannedPhotos.of(photos, names, out)
    planned.make(parts)
    made = together(parts, planned.chunks, planned.samples(range(len(names))))
    by_name = replace(made.boxes, sample_ids=pa.array([Path(name).stem for name in names]))
    write_boxes(by_name, out / "detections.parquet")
    return time.perf_counter() - start, time.process_time() - busy


def measure_yolo(weights: Path, photos: Path, out: Path, save: bool) -> tuple[float, float]:
    """Seconds on the wall and of the cores, of `yolo predict` on the same folder."""
    written = ["save=True"] if save else ["save=False", "save_txt=True", "save_conf=True"]
    # Set before the import, which is when Ultralytics reads its command line.
    sys.argv = ["yolo", "predict", f"model={weights}", f"source={photos}", "classes=0", "device=cpu",
                f"project={out}", "name=run", *written]
    from tinysieve.filtering.evidence.detectors.torchvision_ops import ensure_torchvision

    ensure_torchvision()
    import openvino  # noqa: F401
    from ultralytics.cfg import entrypoint
    from ultralytics.models import YOLO  # noqa: F401

    start, busy = time.perf_counter(), time.process_time()
    entrypoint()
    return time.perf_counter() - start, time.process_time() - busy


def present_ours(out: Path) -> set[str]:
    """Photos with a person at the threshold."""
    import numpy as np

    from tinysieve.filtering.evidence.boxes import read_boxes

    boxes = read_boxes(out / "detections.parquet")
    owner = np.repeat(np.arange(len(boxes)), boxes.counts)
    ids = boxes.sample_ids.to_pylist()
    return {ids[row] for row in owner[boxes.confidence >= THRESHOLD]}


def present_yolo(out: Path) -> set[str]:
    """Photos with a person, from the label files that `yolo predict` wrote."""
    return {one.stem for one in out.glob("run*/labels/*.txt") if one.read_text().strip()}


def timed(side: str, weights: Path, photos: Path, out: Path, cache: Path) -> tuple[float, float]:
    """Run one measurement in its own process; seconds on the wall and of the cores."""
    command = [sys.executable, "-m", "benchmarks.detection_speed", "--side", side, "--weights", str(weights),
               "--folder", str(photos), "--out", str(out), "--cache", str(cache)]
    quiet = {**os.environ, "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(cache)}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    wall, busy = done.stdout.strip().splitlines()[-1].split()
    return float(wall), float(busy)


def compare(weights: Path, photos: Path, repeats: int, scratch: Path) -> dict[str, object]:
    """Both sides in turn: photos a second, median ratio, and how many presence answers are equal."""
    count, cache = len(list(photos.iterdir())), scratch / "cache"
    took: dict[str, list[tuple[float, float]]] = {"ours": [], "yolo": [], "yolo_saves_pictures": []}
    for repeat in range(repeats):
        # The default of `yolo predict` is only for the record, so once is enough.
        turn = ("ours", "yolo") if repeat else ("ours", "yolo", "yolo_saves_pictures")
        for side in turn if repeat % 2 == 0 else turn[::-1]:
            took[side].append(timed(side, weights, photos, scratch / f"{weights.name}-{side}-{repeat}", cache))
    ours, yolo = (present_ours(scratch / f"{weights.name}-ours-0"), present_yolo(scratch / f"{weights.name}-yolo-0"))
    ratios = [b[0] / a[0] for a, b in zip(took["ours"], took["yolo"], strict=True)]
    busy = [b[1] / a[1] for a, b in zip(took["ours"], took["yolo"], strict=True)]
    return {
        "weights": weights.name,
        "photos_per_second": {side: [round(count / wall, 2) for wall, _ in runs] for side, runs in took.items()},
        "core_ms_per_photo": {side: [round(1000 * cpu / count, 1) for _, cpu in runs] for side, runs in took.items()},
        "ratio_median": round(statistics.median(ratios), 3),
        "ratios": [round(one, 3) for one in ratios],
        "core_time_ratio_median": round(statistics.median(busy), 3),
        "presence_agreement": round(1 - len(ours ^ yolo) / count, 5),
        "present_ours": len(ours), "present_yolo": len(yolo),
    }


def benchmark(shared: Path, photo_count: int, repeats: int) -> dict[str, object]:
    """All cases on the first photos of VOC 2007."""
    cases, load = {}, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        photos = scratch / "photos"
        photos.mkdir()
        for one in sorted((shared / "data/voc2007_person/images").iterdir())[:photo_count]:
            shutil.copyfile(one, photos / one.name)
        warm = time.perf_counter()
        few = scratch / "few"
        few.mkdir()
        shutil.copyfile(min(photos.iterdir()), few / "one.jpg")
        timed("ours", shared / "models" / CASES["pt"][0], few, scratch / "warm", scratch / "cache")
        export_seconds = time.perf_counter() - warm
        for case, (weights, goal) in CASES.items():
            got = compare(shared / "models" / weights, photos, repeats, scratch)
            met = got["ratio_median"] >= goal and (case != "pt" or got["presence_agreement"] >= AGREEMENT)
            cases[case] = {**got, "goal_ratio": goal, "goal_met": met}
    return {"photos": photo_count, "repeats": repeats, "cores": os.cpu_count(), "machine": platform.machine(),
            "load_average_before": round(load, 2),
            "first_start_with_export_s": round(export_seconds, 1), "cases": cases}


def main() -> None:
    """Run, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=("ours", "yolo", "yolo_saves_pictures"), help=argparse.SUPPRESS)
    for name in ("--weights", "--folder", "--out", "--cache"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side == "ours":
        print(*measure_ours(args.weights, args.folder, args.out, args.cache))
    elif args.side:
        print(*measure_yolo(args.weights, args.folder, args.out, args.side == "yolo_saves_pictures"))
    else:
        shared = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared"))
        result = benchmark(shared, args.photos, args.repeats)
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
