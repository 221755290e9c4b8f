"""The DataPerf commands of docs/coming-from.md: in folders that are laid out as the originals', over the shared data."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

# One task, and the baseline that costs nothing: that the commands work is checked here, what they give in tests.
_SETUP = {
    "paths": {"embedding_folder": "embeddings/", "groundtruth_folder": "data/", "submission_folder": "submissions/",
              "results_folder": "results/"},
    "tasks": [{"data_id": "01g317", "train_size": 300, "noise_level": 0.3, "test_size": 500, "val_size": 100}],
    "baselines": [{"name": "random"}],
}
# What a command of the page leaves out, and what it is here.
_MEANT = {"--strategy n_closest": "--strategy n_closest --positives data/train_sets/Hawk.csv --embeddings "
                                  "data/embeddings/train_emb_256_dataperf.parquet --out data/train_sets/mine.csv"}


def lay_out(shared: Path, base: Path) -> None:
    """Make the two folders below `base`."""
    debugging, selection = base / "debugging", base / "selection"
    for name in ("submissions", "results"):
        (debugging / name).mkdir(parents=True)
    for name in ("data", "embeddings"):
        (debugging / name).symlink_to(shared / "data/dataperf_debugging" / name)
    for name in ("task_setup.yml", "task_setup_docker.yml"):
        (debugging / name).write_text(yaml.safe_dump(_SETUP))
    source = shared / "data/dataperf_selection"
    for file in (path for path in source.rglob("*") if path.is_file()):
        target = selection / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        # The shared data may not be written to; a copy of the bytes alone may.
        shutil.copyfile(file, target)
    shutil.copyfile(selection / "setup_plain.yaml", selection / "task_setup.yaml")


def placed(command: str, base: Path) -> tuple[str, Path]:
    """A command of the page as it is run here, and its folder."""
    for word, meaning in _MEANT.items():
        command = command.replace(word, meaning)
    return command, base / ("debugging" if command.startswith("tinysieve dataperf debugging") else "selection")
