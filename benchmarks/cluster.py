"""Wake Vision's two published forms, in small, on a simulated Ray cluster of three nodes of which one is killed.

    python benchmarks/cluster.py --images 20000

Shards and archives of the published schemas are generated from noise. `configs/wake_vision_hub.yaml` and
`configs/wake_vision_archives.yaml` run over them until the policy, with the local executor and with Ray on three nodes of this
machine; when a third of the chunks of ingest are there, a node is taken away without a word. Every file of the two runs must be
the same. The detector is the shipped presence head. Results go to benchmarks/results/cluster.json. Needs the extra `scale`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import tarfile
import tempfile
import threading
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tinysieve.dataset.chunks import PLAN, Plan
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.ingest import INGEST_FACTS

RESULT = Path(__file__).parent / "results" / "cluster.json"
SHARES = {"train_quality": 0.8, "validation": 0.1, "test": 0.1}
SHARDS_OF_TRAIN, NODES, CORES_A_NODE = 4, 3, 1
Row = tuple[str, int, bytes]


def photo(seed: int) -> bytes:
    """Coarse noise of 160 x 120 pixels, which no JPEG shrinks to nothing."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((160, 120)).save(stream, "JPEG", quality=72)
    return stream.getvalue()


def rows_of(images: int) -> dict[str, list[Row]]:
    """Name, label and bytes of each image, by split."""
    made: dict[str, list[Row]] = {}
    number = 0
    for split, share in SHARES.items():
        count = round(images * share)
        made[split] = [(f"{n * 2654435761 % 2**32:016x}.jpg", n % 2, photo(n)) for n in range(number, number + count)]
        number += count
    return made


def publish_hub(folder: Path, rows: dict[str, list[Row]]) -> None:
    """Parquet shards with the hub's names, columns and note."""
    note = {"info": {"features": {"image": {"_type": "Image"}}}}
    for split, images in rows.items():
        shards = SHARDS_OF_TRAIN if split.startswith("train") else 1
        for number in range(shards):
            part = images[number::shards]
            table = pa.table({
                "image": pa.array([{"bytes": data, "path": name} for name, _, data in part],
                                  pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
                "filename": [name for name, _, _ in part], "person": [label for _, label, _ in part]})
            stem = f"{split}_part_0" if split.startswith("train") else split
            pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(note)}),
                           folder / f"{stem}-{number:05}-of-{shards:05}.parquet", row_group_size=100)


def publish_archives(folder: Path, rows: dict[str, list[Row]]) -> None:
    """CSV files, and archives of which those of train are named by the first digit of their images."""
    for split, images in rows.items():
        name = {"train_quality": "train_bbox"}.get(split, split)
        lines = [f"{image},{label}" for image, label, _ in images]
        (folder / f"wake_vision_{name}.csv").write_text("\n".join(["filename,person", *lines]) + "\n")
        digits = sorted({image[8] for image, _, _ in images}) if split.startswith("train") else [""]
        for digit in digits:
            stem = f"train-{digit}" if digit else split
            with tarfile.open(folder / f"wake-vision-{stem}.tar", "w") as archive:
                for image, _, data in images:
                    if not digit or image[8] == digit:
                        member = tarfile.TarInfo(f"./{image}")
                        member.size = len(data)
                        archive.addfile(member, io.BytesIO(data))


PUBLISHED = {"wake_vision_hub": ("WAKE_VISION_HUB", publish_hub), "wake_vision_archives": ("WAKE_VISION", publish_archives)}


def run_until_policy(name: str, run: Path, executor: str) -> tuple[Run, float]:
    """A run of a shipped configuration, and the seconds that it took."""
    config = load_config(Path(str(files("tinysieve.configs").joinpath(f"{name}.yaml"))), (
        f"run={run}", "workers=2", "dataset.rule=any", "filter={detector: {kind: presence_head}}",
        "policy={kind: default, max_change: 1.0}", f"executor={executor}"))
    made, began = Run(config, config.run), time.monotonic()
    run_stages(made, stages_until(config, "policy"), lambda status: print(f"  {status.stage}", flush=True))
    return made, time.monotonic() - began


def digests(run: Run) -> dict[str, str]:
    """Of every file that the run left but for times."""
    left = (path for path in sorted(run.folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(run.folder)): hashlib.blake2b(path.read_bytes()).hexdigest() for path in left
            if not path.name.endswith(".log.jsonl") and path.name != ".lock" and "store" not in path.parts}


def remove_when_busy(cluster: Any, node: Any, ingest: Path, removed: list[int]) -> None:
    """Take a node away when a third of the chunks are there."""
    chunks = 0
    while not chunks:
        time.sleep(0.02)
        chunks = len(Plan(ingest / PLAN).chunks) if (ingest / PLAN).exists() else 0
    while (done := len(list((ingest / "examined").glob("*.parquet")))) < chunks / 3:
        time.sleep(0.02)
    cluster.remove_node(node, allow_graceful=False)
    removed.append(done)


def on_three_nodes(name: str, run: Path) -> tuple[Run, float, int]:
    """The same on Ray; also how many chunks were there when the node went."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_raylet_start_wait_time_s", "240")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": CORES_A_NODE, "object_store_memory": 200_000_000})
    nodes = [cluster.add_node(num_cpus=CORES_A_NODE, object_store_memory=200_000_000) for _ in range(NODES - 1)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    removed: list[int] = []
    killer = threading.Thread(target=remove_when_busy, args=(cluster, nodes[-1], run / "ingest.partial", removed), daemon=True)
    killer.start()
    try:
        made, seconds = run_until_policy(name, run, "{kind: ray, address: auto, patience: 240}")
    finally:
        ray.shutdown()
        cluster.shutdown()
    killer.join(1)
    return made, seconds, removed[0]


def compared(name: str, images: int, folder: Path) -> dict[str, Any]:
    """One configuration with both executors."""
    variable, publish = PUBLISHED[name]
    published = folder / "published"
    published.mkdir(parents=True)
    publish(published, rows_of(images))
    os.environ[variable] = str(published)
    local, local_seconds = run_until_policy(name, folder / "local", "{kind: local}")
    clustered, seconds, done = on_three_nodes(name, folder / "ray")
    ours, theirs = digests(local), digests(clustered)
    different = sorted(file for file in ours.keys() | theirs.keys() if ours.get(file) != theirs.get(file))
    return {"images": INGEST_FACTS.of(local).samples, "chunks": len(Plan(local.at("ingest") / PLAN).chunks),
            "chunks_done_when_the_node_went": done, "files": len(ours), "files_that_differ": different,
            "seconds_local": round(local_seconds, 1), "seconds_three_nodes_one_killed": round(seconds, 1)}


def main() -> None:
    """Both configurations; exit code 1 where a byte differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=20_000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for name in PUBLISHED:
            results[name] = compared(name, images, Path(folder) / name)
            about = {"nodes": NODES, "cores_a_node": CORES_A_NODE, "cores_of_this_machine": os.cpu_count()}
            write_text(RESULT, json.dumps(about | {"runs": results}, indent=1) + "\n")
    print(json.dumps(results, indent=1))
    raise SystemExit(any(result["files_that_differ"] for result in results.values()))


if __name__ == "__main__":
    main()
