"""Near-duplicates: hashes, pairs against brute force, groups, who stays; and what is asked for."""

from __future__ import annotations

import io
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.dataset.images import Pixels, decode, resize_bilinear
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.near_duplicates import LikePairs, join, same_look, same_pixels
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.perceptual_hash import close_codes, grey_thumbnail, perceptual_hashes
from tinysieve.filtering.filters.duplicates import duplicates, leaks
from tinysieve.filtering.opinion import ABSTAIN, ASK_DROP, ASK_REVIEW
from tinysieve.ground.errors import InputError

SILENT = np.full(9, ABSTAIN, np.int8)


def picture(seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (144, 144), interpolation=cv2.INTER_CUBIC), np.uint8)


def jpeg(image: Pixels, quality: int) -> Pixels:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return decode(stream.getvalue())


def sample_table(splits: list[str], labels: list[str | None], widths: list[int] | None = None) -> SampleTable:
    count = len(splits)
    return SampleTable(pa.table({
        "sample_id": [f"id{row}" for row in range(count)], "filepath": [f"{row}.jpg" for row in range(count)],
        "width": widths or [100] * count, "height": [100] * count, "split": splits,
        "label": pa.array(labels, pa.string()), "pixel_row": np.arange(count)}))


def like(*pairs: tuple[int, int]) -> LikePairs:
    return LikePairs(np.array(pairs, np.int64).reshape(-1, 2), np.full(len(pairs), 0.95, np.float32))


def test_a_hash_knows_the_picture_through_compression_and_light_but_not_another() -> None:
    one = picture(0)
    brighter = np.clip(one * 0.8 + 30, 0, 255).astype(np.uint8)
    versions = [one, jpeg(one, 20), brighter, resize_bilinear(one, 70), picture(1)]
    codes, telling = perceptual_hashes(np.stack([grey_thumbnail(image) for image in versions]))
    bits = np.bitwise_count(codes ^ codes[0])
    assert bits[:4].max() <= 4
    assert bits[4] > 16
    assert telling.all()


def test_a_flat_picture_has_no_hash() -> None:
    flat = np.full((144, 144, 3), 77, np.uint8)
    assert not perceptual_hashes(grey_thumbnail(flat)[np.newaxis])[1][0]
    assert not len(same_pixels(np.stack([flat, flat, picture(0)]), np.arange(3), 8, 0.0).pairs)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=12), st.integers(0, 10), st.integers(0, 2**32 - 1))
def test_close_codes_are_those_of_brute_force(codes: list[int], radius: int, seed: int) -> None:
    """Hashes with up to radius + 2 flipped bits beside them."""
    rng = np.random.default_rng(seed)
    hashes = np.array(codes * 2, np.uint64)
    for place in range(len(codes)):
        for bit in rng.choice(64, rng.integers(0, radius + 3), replace=False):
            hashes[place] ^= np.uint64(1) << np.uint64(bit)
    hashes = np.unique(hashes)
    apart = np.bitwise_count(hashes[:, np.newaxis] ^ hashes[np.newaxis])
    assert close_codes(hashes, radius).tolist() == np.argwhere(np.triu(apart <= radius, 1)).tolist()


def test_radius_out_of_range() -> None:
    with pytest.raises(InputError, match="17 bits"):
        close_codes(np.zeros(2, np.uint64), 17)


def test_a_thousand_copies_do_not_make_half_a_million_pairs() -> None:
    found = same_pixels(np.broadcast_to(picture(1), (1_000, *picture(1).shape)), np.arange(1_000), 8, 0.9).pairs
    assert found.tolist() == [[0, row] for row in range(1, 1_000)]


@pytest.mark.parametrize("radius", [0, 8])
@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_copies_are_found_behind_another_picture_of_the_same_hash(order: tuple[int, ...], radius: int) -> None:
    """A fine checkerboard leaves the low frequencies, and with them the hash, and takes the correlation away."""
    plain = picture(2) // 2 + 60
    fine = (np.indices((144, 144)) // 5).sum(axis=0) % 2 * 100 - 50
    rough = np.clip(plain.astype(int) + fine[..., np.newaxis], 0, 255).astype(np.uint8)
    pixels = np.stack([plain, rough, rough, plain])
    hashed, _ = perceptual_hashes(np.stack([grey_thumbnail(one) for one in pixels]))
    assert len(set(hashed.tolist())) == 1
    found = same_pixels(pixels[list(order)], np.arange(4), radius, 0.9).pairs
    assert {frozenset(order[row] for row in pair) for pair in found.tolist()} == {frozenset({0, 3}), frozenset({1, 2})}


def test_pixels_must_agree_too() -> None:
    """An inverted picture has other bits; a picture with the same bits but other pixels is not confirmed."""
    one = picture(3)
    pixels = np.stack([one, jpeg(one, 30), 255 - one, picture(4)])
    found = same_pixels(pixels, np.arange(4), 8, 0.9)
    assert found.pairs.tolist() == [[0, 1]]
    assert found.similarity[0] > 0.98
    permuted = same_pixels(pixels, np.array([3, 1, 2, 0]), 8, 0.9)
    assert permuted.pairs.tolist() == [[1, 3]]


def test_look_needs_neighbours_and_similarity() -> None:
    features = np.random.default_rng(0).normal(size=(40, 16))
    features[7] = features[30]
    near = nearest(features, 5, 10**9, lambda done, total: None)
    found = same_look(near, 0.99)
    assert found.pairs.tolist() == [[7, 30]]
    assert found.similarity == pytest.approx([1])
    # A large mean that all share, as of images of one camera, makes nobody alike.
    far = nearest(features + 50, 5, 10**9, lambda done, total: None)
    assert same_look(far, 0.95).pairs.tolist() == [[7, 30]]


def test_groups_chain_and_the_one_that_stays() -> None:
    """Test before train; labelled before unlabeled; larger before smaller; lower id before higher."""
    samples = sample_table(["train", "train", "test", "unlabeled", "train", "train", "train", "train"],
                           ["person", "person", "person", None, "person", "person", "person", "person"],
                           [900, 100, 100, 100, 100, 100, 300, 100])
    groups = join(like((0, 1), (1, 2), (3, 4), (5, 6)), samples)
    assert groups.group.tolist() == [0, 0, 0, 3, 3, 5, 5, 7]
    assert groups.kept.tolist() == [False, False, True, False, True, False, True, True]
    assert groups.shared.tolist() == [True] * 7 + [False]
    opinion = duplicates(groups, samples, SILENT[:8])
    assert opinion.proposed.tolist() == [ASK_DROP, ASK_DROP, ABSTAIN, ASK_DROP, ABSTAIN, ASK_DROP, ABSTAIN, ABSTAIN]
    assert opinion.reasons[opinion.reason_codes[0]] == "near-duplicate of a test image"
    assert opinion.reasons[opinion.reason_codes[5]] == "near-duplicate of an image that stays"
    assert opinion.confidence[0] == pytest.approx(0.95)


def test_labels_that_contradict_each_other_are_shown() -> None:
    samples = sample_table(["train"] * 4, ["person", "background", "person", "person"])
    opinion = duplicates(join(like((0, 1), (2, 3)), samples), samples, SILENT[:4])
    assert opinion.proposed.tolist() == [ASK_REVIEW, ASK_REVIEW, ABSTAIN, ASK_DROP]


@pytest.mark.parametrize(("seen", "stays"), [
    ([POSITIVE, ABSTAIN, ABSTAIN], "person"), ([NEGATIVE, NEGATIVE, ABSTAIN], "background"),
    ([POSITIVE, NEGATIVE, ABSTAIN], None), ([ABSTAIN] * 3, None)])
@pytest.mark.parametrize("widths", [[100, 100, 100], [10, 900, 90], [900, 10, 90]])
def test_of_a_photo_under_both_labels_one_copy_stays_that_the_detector_supports(
        seen: list[int], stays: str | None, widths: list[int]) -> None:
    """However large the others are; where the detector says nothing, or both, all are shown."""
    samples = sample_table(["train"] * 3, ["person", "background", "person"], widths)
    proposed = duplicates(join(like((0, 1), (1, 2)), samples), samples, np.array(seen, np.int8)).proposed
    assert sorted(proposed.tolist()) == sorted([ASK_REVIEW] * 3 if stays is None else [ASK_DROP, ASK_DROP, ABSTAIN])
    left = [samples.table["label"][int(row)].as_py() for row in np.flatnonzero(proposed == ABSTAIN)]
    assert left == ([] if stays is None else [stays])


def test_beside_a_held_out_image_the_training_copy_goes_whatever_its_label() -> None:
    samples = sample_table(["test", "train"], ["background", "person"])
    proposed = duplicates(join(like((0, 1)), samples), samples, np.array([ABSTAIN, POSITIVE], np.int8)).proposed
    assert proposed.tolist() == [ASK_REVIEW, ASK_DROP]


def test_adding_a_copy_drops_the_copy_and_nothing_else() -> None:
    samples = sample_table(["train", "train", "train"], ["person", "background", "person"])
    before = duplicates(join(like(), samples), samples, SILENT[:3]).proposed.tolist()
    more = sample_table(["train", "train", "train", "train"], ["person", "background", "person", "person"])
    assert duplicates(join(like((0, 3)), more), more, SILENT[:4]).proposed.tolist() == [*before, ASK_DROP]


def test_leaks_are_trained_images_beside_test_images() -> None:
    samples = sample_table(["test", "train", "train", "unlabeled", "validation", "train"],
                           ["person", "person", "person", None, "person", "person"])
    groups = join(like((0, 1), (0, 3), (0, 4), (2, 5)), samples)
    labels = samples.labels.copy()
    assert leaks(groups, samples, labels).tolist() == [1]
    labels[3] = 1
    assert leaks(groups, samples, labels).tolist() == [1, 3]
    labels[[1, 3]] = DROPPED
    assert not len(leaks(groups, samples, labels))


def test_a_pair_of_a_row_that_is_not_there() -> None:
    with pytest.raises(InputError, match="row 9 of 2"):
        join(like((0, 9)), sample_table(["train", "train"], ["person", "person"]))


def test_real_photos_have_no_false_pairs_and_their_copies_are_found(shared: Path) -> None:
    paths = sorted((shared / "data/voc2007_person/images").glob("*.jpg"))[::60]
    photos = [decode(path) for path in paths]
    pixels = np.stack([resize_bilinear(photo) for photo in photos] + [resize_bilinear(jpeg(photo, 30)) for photo in photos])
    found = same_pixels(pixels, np.arange(len(pixels)), 8, 0.9).pairs
    assert set(map(tuple, found.tolist())) == {(row, row + len(photos)) for row in range(len(photos))}
