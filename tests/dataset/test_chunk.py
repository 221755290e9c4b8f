"""One chunk of Wake Vision: train_large's table over the images of one archive, without a held-out split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tinysieve.dataset.sources.listing import Listing
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.stages.ingest import INGEST, INGEST_FACTS, list_source, samples_of, store_of

PHOTOS, ELSEWHERE = 40, 200


def chunk(folder: Path, images: bool = False) -> dict[str, object]:
    """40 photos of this archive, half persons, among 240 rows; two photos more in no row."""
    rows = [f"{number:016x}.jpg,{number % 2}" for number in range(PHOTOS + ELSEWHERE)]
    (folder / "images").mkdir()
    for number in (*range(PHOTOS), 900, 901):
        path = folder / "images" / f"{number:016x}.jpg"
        if images:
            Image.fromarray(np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
        else:
            path.touch()
    (folder / "large.csv").write_text("filename,person\n" + "\n".join(rows) + "\n")
    return {"kind": "wake_vision", "images": folder / "images", "train": [folder / "large.csv"]}


def settings(folder: Path, source: dict[str, object]) -> dict[str, object]:
    return {"run": folder / "run", "workers": 1, "dataset": {"source": source, "rule": "any"},
            "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}}


def listed(folder: Path, source: dict[str, object]) -> Listing:
    config = config_of(settings(folder, source))
    return list_source(config, store_of(config))


def counts(listing: Listing) -> dict[str, int]:
    return {row["split"]: row["count_all"]
            for row in listing.table.group_by("split").aggregate([([], "count_all")]).to_pylist()}


def test_held_out_photos_are_drawn_among_those_that_are_there(tmp_path: Path) -> None:
    """A tenth and a fifth of the 40 photos of this archive, not of the 240 rows."""
    listing = listed(tmp_path, chunk(tmp_path))
    assert counts(listing) == {"test": 8, "validation": 4, "train": 28, "unlabeled": 2}
    assert listing.drawn == ("test", "validation")
    assert len(listing.skipped) == ELSEWHERE
    assert any(note.startswith("8 photos drawn as test") for note in listing.notes)


def test_a_split_with_a_table_is_not_drawn(tmp_path: Path) -> None:
    """The two photos of the test table stay there; of 19 more of each class half are drawn, and Python rounds 9.5 to 10."""
    source = chunk(tmp_path)
    (tmp_path / "test.csv").write_text(f"filename,person\n{0:016x}.jpg,0\n{1:016x}.jpg,1\n")
    listing = listed(tmp_path, source | {"test": [tmp_path / "test.csv"], "holdout": {"validation": 0.5}})
    assert counts(listing) == {"test": 2, "validation": 20, "train": 18, "unlabeled": 2}
    assert listing.drawn == ("validation",)


def test_rows_that_nearly_name_their_files_are_drawn_too(tmp_path: Path) -> None:
    source = chunk(tmp_path)
    table = tmp_path / "large.csv"
    table.write_text(table.read_text().replace(".jpg", ".JPG"))
    assert counts(listed(tmp_path, source)) == {"test": 8, "validation": 4, "train": 28, "unlabeled": 2}


def test_a_chunk_is_ingested(tmp_path: Path) -> None:
    config = config_of(settings(tmp_path, chunk(tmp_path, images=True)))
    run = Run(config, config.run)
    run_stages(run, (INGEST,), lambda status: None)
    assert INGEST_FACTS.of(run).drawn == ("test", "validation")
    samples = samples_of(run)
    assert [int(samples.in_split(name).sum()) for name in ("train", "validation", "test", "unlabeled")] == [28, 4, 8, 2]


def test_a_chunk_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="train"):
        config_of(settings(tmp_path, chunk(tmp_path) | {"train": []}))


def test_the_example_is_read() -> None:
    source = load_config(Path("configs/wake_vision_chunk.yaml")).dataset.source
    assert source.draws
    assert "5.3 %" in source.label_noise
