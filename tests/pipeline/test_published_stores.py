"""The shipped configurations over what is published, in small: from shards and archives to a mended version, nothing unpacked."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from stored_photos import Photo, photos, write_csv, write_folder, write_parquet, write_tar, write_tfrecord

from tinysieve.dataset.folder_tree import copy, export_tree, symbolic_link
from tinysieve.dataset.image_store import content_id
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.explore.picture_files import picture_files
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.review.label_studio import write_label_studio
from tinysieve.pipeline.review.review_cards import Card
from tinysieve.pipeline.review.review_page import Sheet
from tinysieve.pipeline.review.review_pictures import photos_of
from tinysieve.pipeline.stages.detect import boxes_of
from tinysieve.pipeline.stages.embed import EMBEDDINGS
from tinysieve.pipeline.stages.ingest import INGEST_FACTS, samples_of, store_of, versions_of

ROWS = photos(12)
WRONG = next(photo for photo in ROWS if photo.split == "train" and not photo.person)


def of(split: str) -> list[Photo]:
    return [photo for photo in ROWS if photo.split == split]


def publish_hub(folder: Path) -> None:
    """Two shards of train in the hub's names."""
    for number, part in enumerate((of("train")[:8], of("train")[8:])):
        write_parquet(folder / f"train_quality_part_0-{number:05}-of-00002.parquet", part)
    for split in ("validation", "test"):
        write_parquet(folder / f"{split}-00000-of-00001.parquet", of(split))


def publish_dataverse(folder: Path, packing: str) -> None:
    """CSVs, and train archives by the first digit of the name, with photos that are in no CSV."""
    ending = "tar.gz" if packing else "tar"
    train = [*of("train"), Photo("extra.jpg", 0, "train", ROWS[0].data[:-2] + b"\xff\xd9")]
    for digit in sorted({photo.filename[0] for photo in train}):
        part = [photo for photo in train if photo.filename[0] == digit]
        write_tar(folder / f"wake-vision-train-{digit}.{ending}", part, packing)
    for split in ("validation", "test"):
        write_tar(folder / f"wake-vision-{split}.{ending}", of(split), packing)
        write_csv(folder / f"wake_vision_{split}.csv", of(split))
    write_csv(folder / "wake_vision_train_bbox.csv", of("train"))


def finished(tmp_path: Path, name: str, run: str, *overrides: str) -> Run:
    path = Path(str(files("tinysieve.configs").joinpath(f"{name}.yaml")))
    boxes = tmp_path / "boxes.csv"
    lines = [f"{photo.filename},5,5,80,55,0.9,person" for photo in ROWS if photo.person or photo is WRONG]
    none = [f"{photo.filename},,,,,," for photo in ROWS if not photo.person and photo is not WRONG]
    boxes.write_text("\n".join(["filename,x1,y1,x2,y2,confidence,class", *lines, *none]) + "\n")
    cheap = (f"run={tmp_path / run}", "workers=2", "dataset.rule=any",
             f"filter={{detector: {{kind: boxes, file: {boxes}}}, out_of_fold: false, presence_head: false}}",
             "policy={kind: seed}")
    config = load_config(path, (*cheap, *overrides))
    made = Run(config, config.run)
    run_stages(made, stages_until(config, "policy"), lambda status: None)
    return made


def mended(run: Run) -> dict[str, str]:
    """Photos whose labels were changed, with their new ones."""
    samples = samples_of(run)
    names = dict(zip(samples.sample_ids.to_pylist(), samples.table["filepath"].to_pylist(), strict=True))
    ledger = versions_of(run).load("HEAD").ledger.to_pylist()
    return {names[row["sample_id"]].rpartition("/")[2]: row["new_label"] for row in ledger}


def test_hub_shards_become_a_mended_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "data"
    published.mkdir()
    publish_hub(published)
    monkeypatch.setenv("WAKE_VISION_HUB", str(published))
    run = finished(tmp_path, "wake_vision_hub", "run")
    samples = samples_of(run)
    assert [samples.in_split(split).sum() for split in ("train", "validation", "test")] == [24, 24, 24]
    assert dict(zip(samples.table["filename"].to_pylist(), samples.table["label"].to_pylist(), strict=True)) == {
        photo.filename: ("background", "person")[photo.person] for photo in ROWS}
    assert set(samples.table["depiction"].to_pylist()) == {-1}
    assert mended(run) == {WRONG.filename: "person"}
    assert not list(tmp_path.rglob("*.jpg"))


def test_tfds_shards_become_a_mended_version(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        write_tfrecord(tmp_path / f"wake_vision-{split}.tfrecord-00000-of-00001", of(split))
    run = finished(tmp_path, "wake_vision_hub", "run", f"dataset.source.images={tmp_path}/wake_vision-*.tfrecord*")
    assert len(samples_of(run)) == len(ROWS)
    assert "splits are those in the names of the files: test, train, validation" in INGEST_FACTS.of(run).notes
    assert mended(run) == {WRONG.filename: "person"}


def test_dataverse_archives_give_the_same_mended_version_packed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = []
    for packing in ("", "gz"):
        published = tmp_path / f"published{packing}"
        published.mkdir()
        publish_dataverse(published, packing)
        monkeypatch.setenv("WAKE_VISION", str(published))
        run = finished(tmp_path, "wake_vision_archives", f"run{packing}")
        heads.append(versions_of(run).load("HEAD").id)
        assert mended(run) == {WRONG.filename: "person"}
        facts = INGEST_FACTS.of(run)
        assert (facts.samples, facts.quarantined, facts.skipped) == (len(ROWS), 0, 0)
        assert any("1 photos that no row names are left out, such as 'extra.jpg'" in note for note in facts.notes)
    assert heads[0] == heads[1]
    assert not list(tmp_path.rglob("*.jpg"))


def test_features_and_boxes_are_those_of_the_folder_in_whatever_order_they_are_read(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "labels.csv", ROWS, split=True)
    arrays, boxes = [], []
    for images in (write_folder(tmp_path / "photos", ROWS), write_tar(tmp_path / "photos.tar.gz", ROWS, "gz")):
        config = config_of({
            "run": tmp_path / f"run-{images.name}", "workers": 2, "filter": {"detector": {"kind": "presence_head"}},
            "dataset": {"source": {"kind": "table", "images": str(images), "table": str(table)}, "rule": "any"},
            "policy": {"kind": "default"}, "train": {"recipe": "demo"}})
        run = Run(config, config.run)
        run_stages(run, [stage for stage in stages_until(config, "embed") if stage.name in ("ingest", "detect", "embed")],
                   lambda status: None)
        arrays.append(np.array(EMBEDDINGS.of(run)))
        boxes.append(boxes_of(run, samples_of(run))[1].confidence)
    assert np.array_equal(arrays[0], arrays[1])
    assert len({row.tobytes() for row in arrays[0]}) == len(ROWS)
    np.testing.assert_allclose(boxes[0], boxes[1])


def test_what_shows_photos_to_people_reads_the_archives_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "published"
    published.mkdir()
    publish_dataverse(published, "")
    monkeypatch.setenv("WAKE_VISION", str(published))
    run = finished(tmp_path, "wake_vision_archives", "run")
    samples, store = samples_of(run), store_of(run.config)
    tree = tmp_path / "tree"
    export_tree(samples, versions_of(run).load("0"), store, tree, copy, lambda done, total: None)
    exported = {content_id(path.read_bytes()) for path in tree.rglob("*.jpg")}
    assert exported == {content_id(photo.data) for photo in ROWS}
    with pytest.raises(InputError, match="nothing to link to") as caught:
        export_tree(samples, versions_of(run).load("0"), store, tmp_path / "links", symbolic_link, lambda done, total: None)
    assert "--copies" in caught.value.fix
    paths = picture_files(run)
    assert len(paths) == len(samples)
    assert all(Path(path).stat().st_size > 100 for path in paths)
    card = Card(0, str(samples.sample_ids[0]), str(samples.table["filepath"][0]), 84, 60, "person", "", "hard", (), ())
    handover = write_label_studio(Sheet("run", (card,)), photos_of(run), tmp_path / "studio")
    asked = json.loads(handover.tasks.read_text())[0]["data"]["image"].split("?d=")[1]
    assert (handover.document_root / asked).read_bytes()[:2] == b"\xff\xd8"
