"""Versions: what a decision does, what it may not, and that nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.dataset.decisions import DROP, LABEL, RELABEL, RESTORE, Decisions, drop
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import apply_decisions, diff, first_version
from tinysieve.ground.errors import FrozenSplit, InputError

SPLIT = ["train", "train", "train", "unlabeled", "validation", "validation", "test", "test"]
LABEL_NAMES = ["person", "background", "person", None, "person", "background", "person", "background"]


@pytest.fixture
def samples() -> SampleTable:
    count = len(SPLIT)
    return SampleTable(pa.table({
        "sample_id": [f"{row:032x}" for row in range(count)], "filepath": [f"{row}.jpg" for row in range(count)],
        "width": [200] * count, "height": [100] * count, "split": SPLIT,
        "label": pa.array(LABEL_NAMES, pa.string()), "pixel_row": list(range(count)),
    }))


def decide(rows: list[int], actions: list[int], new: list[int]) -> Decisions:
    count = len(rows)
    return Decisions(np.array(rows, np.int64), np.array(actions, np.int8), np.array(new, np.int8),
                     pa.array(["test"] * count, pa.string()), np.full(count, 0.5, np.float32),
                     pa.array(["because"] * count, pa.string()))


def test_each_action_reaches_labels_and_ledger(samples: SampleTable) -> None:
    first = first_version(samples)
    second = apply_decisions(samples, first, decide([0, 1, 3], [RELABEL, DROP, LABEL], [NEGATIVE, DROPPED, POSITIVE]), "n")
    assert second.labels[[0, 1, 3]].tolist() == [NEGATIVE, DROPPED, POSITIVE]
    rows = second.ledger.select(["old_label", "new_label", "action"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("person", "background", "relabel"), ("background", None, "drop"), (None, "person", "label")]
    third = apply_decisions(samples, second, decide([1], [RESTORE], [NEGATIVE]), "n")
    assert third.labels[1] == NEGATIVE
    assert third.ledger["action"].to_pylist() == ["restore"]


@pytest.mark.parametrize("row", [6, 7])
def test_test_split_is_frozen_whatever_is_asked(samples: SampleTable, row: int) -> None:
    opposite = 1 - int(samples.labels[row])
    with pytest.raises(FrozenSplit, match="'test', which is frozen"):
        apply_decisions(samples, first_version(samples), decide([row], [RELABEL], [opposite]), "n", frozen=frozenset())
    with pytest.raises(FrozenSplit):
        apply_decisions(samples, first_version(samples), drop(np.array([row]), "x", "y"), "n")


def test_validation_is_frozen_when_named(samples: SampleTable) -> None:
    flip = decide([4], [RELABEL], [NEGATIVE])
    with pytest.raises(FrozenSplit):
        apply_decisions(samples, first_version(samples), flip, "n", frozenset({"validation"}))
    assert apply_decisions(samples, first_version(samples), flip, "n").labels[4] == NEGATIVE


def test_relabel_twice_is_once(samples: SampleTable) -> None:
    flip = decide([0], [RELABEL], [NEGATIVE])
    once = apply_decisions(samples, first_version(samples), flip, "n")
    assert apply_decisions(samples, once, flip, "n") is once


def test_labels_that_are_none_are_refused(samples: SampleTable) -> None:
    for rows, actions, new in [([0], [RELABEL], [5]), ([0], [LABEL], [-1]), ([99], [RELABEL], [0])]:
        with pytest.raises(InputError):
            apply_decisions(samples, first_version(samples), decide(rows, actions, new), "n")
    with pytest.raises(InputError, match="has two decisions"):
        decide([1, 1], [RELABEL, DROP], [POSITIVE, DROPPED])


@settings(max_examples=30, deadline=None)
@given(order=st.permutations([0, 1, 2, 3]))
def test_identity_does_not_depend_on_the_order_of_decisions(order: list[int]) -> None:
    samples = SampleTable(pa.table({
        "sample_id": list("abcd"), "filepath": list("abcd"), "width": [1] * 4, "height": [1] * 4,
        "split": ["train"] * 4, "label": ["person"] * 4, "pixel_row": list(range(4))}))
    base = apply_decisions(samples, first_version(samples), decide([0, 1, 2, 3], [RELABEL] * 4, [0] * 4), "n")
    other = apply_decisions(samples, first_version(samples), decide(order, [RELABEL] * 4, [0] * 4), "n")
    assert other.id == base.id


def test_store_undoes_without_losing(samples: SampleTable, tmp_path: Path) -> None:
    store, first = VersionStore(tmp_path), first_version(samples)
    store.save(first)
    second = apply_decisions(samples, first, decide([0], [RELABEL], [NEGATIVE]), "flip one")
    store.save(second)
    assert store.load("HEAD").id == second.id
    assert store.undo().id == first.id
    assert store.load(second.id[:6]).labels.tolist() == second.labels.tolist()
    assert store.checkout(second.id).ledger.equals(second.ledger)
    assert [entry.id for entry in store.log()] == [second.id, first.id]
    assert diff(samples, store.load("0"), second)["filepath"].to_pylist() == ["0.jpg"]
    store.undo()
    with pytest.raises(InputError, match="nothing to undo"):
        store.undo()
    with pytest.raises(InputError, match="no version called 'zzz'"):
        store.load("zzz")


def test_a_second_ingest_does_not_undo_what_was_mended(samples: SampleTable, tmp_path: Path) -> None:
    """Ingesting the same source again leaves the mended version current; another source and back finds it again."""
    store, first = VersionStore(tmp_path), first_version(samples)
    store.adopt(first)
    mended = apply_decisions(samples, first, decide([0], [RELABEL], [NEGATIVE]), "n")
    store.save(mended)
    store.adopt(first)
    assert (store.load("HEAD").id, store.load("0").id) == (mended.id, first.id)
    other = SampleTable(samples.table.slice(0, 7))
    store.adopt(first_version(other))
    assert store.load("HEAD").id == store.load("0").id == first_version(other).id
    store.adopt(first)
    assert (store.load("HEAD").id, store.load("0").id) == (mended.id, first.id)


def test_same_decisions_give_the_same_bytes(samples: SampleTable, tmp_path: Path) -> None:
    for name in ("a", "b"):
        store = VersionStore(tmp_path / name)
        store.save(first_version(samples))
        store.save(apply_decisions(samples, first_version(samples), decide([0], [RELABEL], [NEGATIVE]), "n"))
    files = sorted(path.name for path in (tmp_path / "a").iterdir() if not path.name.endswith(".log.jsonl"))
    assert len(files) == 7
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_new_policy_version_says_what_it_leaves_behind_and_the_same_one_leaves_nothing(
    samples: SampleTable, tmp_path: Path
) -> None:
    store, first = VersionStore(tmp_path), first_version(samples)
    store.save(first)
    policy = apply_decisions(samples, first, decide([0], [RELABEL], [NEGATIVE]), "policy")
    assert store.advance(policy) == ()
    person = apply_decisions(samples, policy, decide([1], [DROP], [DROPPED]), "review by Ada")
    store.save(person)
    assert store.advance(policy) == ()
    assert store.load("HEAD").id == person.id
    other = apply_decisions(samples, first, decide([2], [RELABEL], [NEGATIVE]), "policy")
    assert store.advance(other) == (person.id,)
    assert store.load("HEAD").id == other.id


@pytest.mark.parametrize("damaged", [b"", b"gone", b"\xff\x00", None])
def test_a_damaged_head_is_said_and_a_checkout_mends_it(damaged: bytes | None, samples: SampleTable, tmp_path: Path) -> None:
    store, first = VersionStore(tmp_path), first_version(samples)
    store.save(first)
    head = tmp_path / "HEAD"
    head.unlink() if damaged is None else head.write_bytes(damaged)
    for ask in (store.load, store.log, store.undo):
        with pytest.raises(InputError, match="HEAD is not a version") as caught:
            ask()
        assert "'tinysieve checkout ID'" in caught.value.fix
        assert first.id in caught.value.fix
    assert store.checkout(first.id).id == store.load().id == first.id


def test_versions_have_names_that_move_and_are_references(samples: SampleTable, tmp_path: Path) -> None:
    store, first = VersionStore(tmp_path), first_version(samples)
    store.save(first)
    second = apply_decisions(samples, first, decide([0], [RELABEL], [NEGATIVE]), "flip one")
    store.save(second)
    store.name("0", "main")
    store.name("HEAD", "cleaned")
    store.name("HEAD", "cleaned-2")
    assert {entry.id: entry.names for entry in store.log()} == {first.id: ("main",), second.id: ("cleaned", "cleaned-2")}
    assert store.checkout("main").id == first.id
    store.name("cleaned", "main")
    assert store.load("main").id == second.id
    assert VersionStore(tmp_path).log()[1].names == ()


@pytest.mark.parametrize("name", ["", "HEAD", "head", "0", "beef", "a b", "../x", "-x", "x" * 65, "\x1b[2J", "cleaned\n"])
def test_what_could_be_an_id_or_harm_a_terminal_is_no_name(samples: SampleTable, tmp_path: Path, name: str) -> None:
    store = VersionStore(tmp_path)
    store.save(first_version(samples))
    with pytest.raises(InputError, match="cannot name a version"):
        store.name("HEAD", name)
    assert store.log()[0].names == ()
