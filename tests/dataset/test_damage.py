"""Versions and journals that somebody, or a crash, has changed: each kind is an error or is made again; nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tinysieve.dataset.decisions import drop
from tinysieve.dataset.image_store import ChangedImage, content_id, read_checked
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.dataset.version_files import version_files
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import Version, apply_decisions, first_version
from tinysieve.ground.errors import InputError
from tinysieve.ground.journal import append, read_journal
from tinysieve.ground.json_text import read_json

FIELDS = ("at", "what")


@pytest.fixture
def samples() -> SampleTable:
    return SampleTable(pa.table({
        "sample_id": [f"{row:032x}" for row in range(4)], "filepath": [f"{row}.jpg" for row in range(4)], "width": [9] * 4,
        "height": [9] * 4, "split": ["train"] * 4, "label": ["person", "background"] * 2, "pixel_row": list(range(4))}))


@pytest.fixture
def chain(samples: SampleTable) -> tuple[Version, Version]:
    first = first_version(samples)
    return first, apply_decisions(samples, first, drop(np.array([1]), "policy", "because"), "policy")


@pytest.fixture
def store(tmp_path: Path, chain: tuple[Version, Version]) -> VersionStore:
    made = VersionStore(tmp_path / "versions")
    for version in chain:
        made.save(version)
    return made


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x15
    path.write_bytes(data)


@pytest.mark.parametrize("number", [0, 1])
def test_changed_labels_are_another_version(store: VersionStore, chain: tuple[Version, Version], number: int) -> None:
    labels = version_files(store.folder, chain[number].id)[0]
    changed = np.load(labels)
    changed[2] = 1 - changed[2]
    np.save(labels, changed)
    with pytest.raises(InputError, match="is not what its id says"):
        store.load(chain[number].id)


def test_a_flip_in_any_file_of_a_version_changes_nothing_unnoticed(store: VersionStore, chain: tuple[Version, Version]) -> None:
    """Each byte of labels and notes, every seventh of the ledger: an error, or the very same labels and ledger."""
    for version in chain:
        for path, step in zip(version_files(store.folder, version.id), (1, 7, 1), strict=True):
            before = path.read_bytes()
            for place in range(0, len(before), step):
                flip(path, place)
                try:
                    read = store.load(version.id)
                except InputError:
                    pass
                else:
                    assert read.labels.tolist() == version.labels.tolist()
                    assert read.ledger.equals(version.ledger)
                    assert (read.parent, read.note) == (version.parent, version.note)
                path.write_bytes(before)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("number", [0, 1])
def test_what_a_stage_made_is_made_again_and_the_damage_kept(
    store: VersionStore, chain: tuple[Version, Version], number: int, part: int
) -> None:
    path = version_files(store.folder, chain[number].id)[part]
    sound = path.read_bytes()
    path.write_bytes(b"damaged")
    store.adopt(chain[0])
    store.advance(chain[1])
    assert path.read_bytes() == sound
    assert store.load("HEAD").id == chain[1].id
    assert [kept.read_bytes() for kept in store.folder.glob(f"{path.name}.damaged-*")] == [b"damaged"]


def test_a_persons_version_stays_current_when_what_is_under_it_is_mended(
    store: VersionStore, samples: SampleTable, chain: tuple[Version, Version]
) -> None:
    human = apply_decisions(samples, chain[1], drop(np.array([3]), "human", "looked"), "review")
    store.save(human)
    version_files(store.folder, chain[1].id)[2].unlink()
    assert store.advance(chain[1]) == ()
    assert store.load("HEAD").id == human.id


@pytest.mark.parametrize("parent", ["itself", "its child"])
def test_a_parent_that_leads_back_is_an_error(store: VersionStore, chain: tuple[Version, Version], parent: str) -> None:
    meta = version_files(store.folder, chain[0].id)[2]
    said = json.loads(meta.read_text())
    del said["sum"]
    meta.write_text(json.dumps(said | {"parent": chain[parent == "its child"].id}))
    with pytest.raises(InputError, match="descends from itself"):
        store.load("0")


def test_a_torn_line_is_cut_off_and_told_and_survived(
    store: VersionStore, chain: tuple[Version, Version], capsys: pytest.CaptureFixture[str]
) -> None:
    journal = store.folder / "journal.log.jsonl"
    whole = journal.read_text()
    journal.write_text(whole + '{"at": "2026-01-01", "ev')
    assert len(store.log()) == 2
    store.checkout("0")
    assert journal.read_text().startswith(whole)
    assert "torn by a crash" in capsys.readouterr().err
    assert [line["event"] for line in read_journal(journal, ("at", "event", "version"))] == ["saved", "saved", "checkout"]


def test_a_flip_in_a_journal_is_an_error_that_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for what in ("a", "b"):
        append(path, {"at": "now", "what": what})
    before = path.read_bytes()
    for place in range(before.index(b"\n")):
        flip(path, place)
        with pytest.raises(InputError) as caught:
            read_journal(path, FIELDS)
        assert caught.value.where.startswith(f"{path}:1")
        assert caught.value.fix == "bring the file back from a copy, or remove the line"
        path.write_bytes(before)


@pytest.mark.parametrize("text", ["[" * 1_000_000, "{", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "[1]"])
def test_json_without_bounds_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    if text == "[1]":
        with pytest.raises(InputError, match="more than 2 B"):
            read_json(tmp_path / "x.json", 2)
    else:
        with pytest.raises(InputError):
            read_json(tmp_path / "x.json")


def test_an_image_is_held_against_its_id(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    photo = tmp_path / "images/a.jpg"
    photo.write_bytes(b"photo")
    expected = content_id(b"photo")
    assert read_checked(FolderStore(tmp_path / "images"), "a.jpg", expected) == b"photo"
    assert read_checked(FolderStore(tmp_path / "images"), "a.jpg", f"{expected}-1") == b"photo"
    photo.write_bytes(b"other")
    with pytest.raises(ChangedImage, match="its bytes are others") as caught:
        read_checked(FolderStore(tmp_path / "images"), "a.jpg", expected)
    assert caught.value.where == str(photo)
    photo.unlink()
    with pytest.raises(ChangedImage, match="gone"):
        read_checked(FolderStore(tmp_path / "images"), "a.jpg", expected)
    (tmp_path / "b.jpg").write_bytes(b"photo")
    with pytest.raises(ChangedImage, match="leaves the image root"):
        read_checked(FolderStore(tmp_path / "images"), "../b.jpg", expected)
