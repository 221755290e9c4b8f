"""Images are read once where the stages that open them run together, with the bytes that the stages give one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_photos import photos, write_csv, write_folder

from tinysieve.dataset import chunks, ingest
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.pipeline.config.sections import Config, config_of
from tinysieve.pipeline.engine.stages import Run, Stage, run_stages
from tinysieve.pipeline.stages.detect import DETECT
from tinysieve.pipeline.stages.embed import EMBED
from tinysieve.pipeline.stages.ingest import INGEST, samples_of

ROWS = photos(2)
STAGES = (INGEST, DETECT, EMBED)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "cut", lambda shards: chunks.cut(shards, 5))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images in the order in which they are read."""
    names: list[str] = []
    read = FolderStore.read

    def noted(store: FolderStore, name: str) -> bytes:
        names.append(name)
        return read(store, name)

    monkeypatch.setattr(FolderStore, "read", noted)
    return names


def publish(folder: Path) -> None:
    """A broken file, a copy within train, and a copy of a test photo in train besides."""
    write_folder(folder / "photos", ROWS)
    train = next(photo for photo in ROWS if photo.split == "train")
    test = next(photo for photo in ROWS if photo.split == "test")
    lines = []
    for name, photo in (("copy.jpg", train), ("leak.jpg", test)):
        (folder / "photos" / name).write_bytes(photo.data)
        lines.append(f"{name},{photo.person},train")
    (folder / "photos" / "broken.jpg").write_bytes(train.data[:40])
    table = write_csv(folder / "labels.csv", ROWS, split=True)
    table.write_text(table.read_text() + "\n".join([*lines, "broken.jpg,0,train"]) + "\n")


def config(folder: Path, run: str, min_confidence: float = 0.05) -> Config:
    return config_of({
        "run": folder / run, "workers": 2, "dataset": {"rule": "any", "source": {
            "kind": "table", "images": str(folder / "photos"), "table": str(folder / "labels.csv")}},
        "filter": {"detector": {"kind": "presence_head", "min_confidence": min_confidence}}, "policy": {"kind": "default"},
        "train": {"recipe": "demo"}})


def finish(made: Config, *stages: Stage) -> Run:
    run = Run(made, made.run)
    run_stages(run, stages, lambda status: None)
    return run


def outputs(run: Run) -> dict[str, bytes]:
    files = (path for stage in ("ingest", "detect", "embed") for path in sorted(run.at(stage).rglob("*.*")))
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in files
            if path.suffix in (".npy", ".parquet", ".csv", ".arrow")}


def test_together_or_one_by_one_the_bytes_are_the_same_and_together_each_image_is_read_once(
    tmp_path: Path, reads: list[str]
) -> None:
    publish(tmp_path)
    together = finish(config(tmp_path, "together"), *STAGES)
    assert sorted(reads) == sorted([*(photo.filename for photo in ROWS), "broken.jpg", "copy.jpg", "leak.jpg"])
    reads.clear()
    for stage in STAGES:
        one_by_one = finish(config(tmp_path, "one_by_one"), stage)
    assert len(reads) == 3 * (len(ROWS) + 3) - 2
    assert len(samples_of(together)) == len(ROWS) + 1
    assert outputs(together) == outputs(one_by_one)
    assert "ingest/pixels/000002.npy" in outputs(together)
    assert not (together.folder / ".parts").exists()


def test_another_detector_repeats_detection_alone(tmp_path: Path, reads: list[str]) -> None:
    publish(tmp_path)
    before = outputs(finish(config(tmp_path, "run"), *STAGES))
    reads.clear()
    after = outputs(finish(config(tmp_path, "run", min_confidence=0.9), *STAGES))
    assert len(reads) == len(ROWS) + 2
    assert {name for name in before if before[name] != after[name]} == {"detect/detections.parquet"}
    assert outputs(finish(config(tmp_path, "other", min_confidence=0.9), *STAGES)) == after


def test_killed_in_the_pass_it_ends_in_the_same_bytes_without_reading_finished_chunks_again(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path)
    whole = outputs(finish(config(tmp_path, "whole"), *STAGES))
    rename = Path.replace

    def killed_at(path: Path, target: Path) -> Path:
        if target.name == "000001.parquet" and target.parent.name == "examined":
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed_at)
        with pytest.raises(KeyboardInterrupt):
            finish(config(tmp_path, "killed"), *STAGES)
    reads.clear()
    assert outputs(finish(config(tmp_path, "killed"), *STAGES)) == whole
    assert len(reads) == len(ROWS) + 3 - 5


def test_parts_of_other_images_are_not_taken(tmp_path: Path, reads: list[str]) -> None:
    """Ingest ran with detection ahead, an image was replaced, and ingest ran again without it."""
    publish(tmp_path)
    run = Run(config(tmp_path, "run"), tmp_path / "run")
    killed = Stage("detect", DETECT.code_version, ("ingest",), DETECT.settings, lambda run, folder: 1 / 0,  # type: ignore[arg-type,return-value]
                   DETECT.fingerprints, DETECT.libraries, image_parts=DETECT.image_parts)
    with pytest.raises(ZeroDivisionError):
        run_stages(run, (INGEST, killed), lambda status: None)
    assert len(list((tmp_path / "run" / ".parts").rglob("*.parquet"))) == 3
    swapped = next(photo for photo in ROWS if photo.split == "validation")
    (tmp_path / "photos" / swapped.filename).write_bytes(photos(5)[-1].data)
    finish(run.config, INGEST)
    finish(run.config, DETECT, EMBED)
    assert outputs(run) == outputs(finish(config(tmp_path, "fresh"), *STAGES))


def test_features_are_those_of_each_sample(tmp_path: Path) -> None:
    """Copies of one image have equal features, and no others have."""
    publish(tmp_path)
    run = finish(config(tmp_path, "run"), *STAGES)
    features = np.load(run.at("embed") / "embeddings.npy")
    contents = [sample_id[:32] for sample_id in samples_of(run).sample_ids.to_pylist()]
    assert len({row.tobytes() for row in features}) == len(set(contents)) == len(ROWS)
