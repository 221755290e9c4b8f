"""Rates of the reading pass on this machine, and what all of Wake Vision would take with them on other machines.

    python benchmarks/scale_rates.py

The rates are those of `tinysieve estimate` on 256 photos like the hub's and like Dataverse's (see `scale_images.py`), in Parquet
shards, with the shipped backbone. The detector is not among them: its rate on a GPU is DETECTOR_RATE, a third of what its maker
publishes for YOLO11m on a T4 (4.7 ms an image, docs.ultralytics.com/models/yolo11), since images pass through our code too.
Costs are in hours of one GPU with CORES_A_GPU cores. Results go to benchmarks/results/scale_rates.json.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from scale_images import LIKE, configured, publish

from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.doctor.estimate import Machines, estimate
from tinysieve.pipeline.doctor.measure_rates import measure

RESULT = Path(__file__).parent / "results" / "scale_rates.json"
WAKE_VISION, SAMPLE, PHOTOS = 5_760_428, 128, 256
DETECTOR_RATE, CORES_A_GPU, GPUS = 71, 8, (1, 8, 32)


def main() -> None:
    """Measure both kinds of photos."""
    made = {}
    machines = tuple(Machines(count * CORES_A_GPU, count, DETECTOR_RATE, count) for count in GPUS)
    for like in LIKE:
        with tempfile.TemporaryDirectory() as folder:
            publish(Path(folder), PHOTOS, like, ["parquet"])
            _, rates = measure(configured(Path(folder), "parquet", Path(folder) / "run", "local"), SAMPLE, False)
        made[like] = asdict(estimate(WAKE_VISION, rates, machines))
    write_text(RESULT, json.dumps(made, indent=1) + "\n")
    print(json.dumps(made, indent=1))


if __name__ == "__main__":
    main()
