"""Image stores: the same photos give the same samples wherever they lie, and hostile files are refused by name."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_photos import (
    Photo,
    example,
    framed,
    jpeg,
    parquet_table,
    photos,
    write_csv,
    write_folder,
    write_parquet,
    write_tar,
    write_tfrecord,
    write_zip,
)

from tinysieve.dataset.image_store import ChangedImage, Reading, content_id, read_checked
from tinysieve.dataset.images import UndecodableImage
from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.image_places import Place, image_folder, places_of
from tinysieve.dataset.stores.crc32c import crc32c
from tinysieve.dataset.stores.gzip_stream import GzipStream
from tinysieve.dataset.stores.ranged_file import LocalFile
from tinysieve.dataset.stores.registry import open_store
from tinysieve.dataset.stores.store import AS_A_RULE, DamagedFile, ImageStore, StoreSettings
from tinysieve.dataset.stores.tf_example import NoExample, read_example
from tinysieve.dataset.versions import first_version
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import INGEST, samples_of


def opened(path: object, tmp_path: Path, settings: StoreSettings = AS_A_RULE) -> ImageStore:
    images = tuple(map(str, path)) if isinstance(path, (list, tuple)) else str(path)
    return open_store(images, settings, tmp_path / "cache")


def ingested(tmp_path: Path, name: str, source: dict[str, object], **dataset: object) -> SampleTable:
    config = config_of({
        "run": tmp_path / "runs" / name, "workers": 2, "dataset": {"source": source, "rule": "any", **dataset},
        "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}})
    run = Run(config, config.run)
    folder = run.folder / "ingest"
    folder.mkdir(parents=True)
    INGEST.work(run, folder)
    return samples_of(run)


ROWS = photos()
BUNDLES: dict[str, Callable[[Path], object]] = {
    "folder": lambda at: write_folder(at / "photos", ROWS),
    "tar": lambda at: write_tar(at / "photos.tar", ROWS),
    "tar.gz": lambda at: write_tar(at / "photos.tar.gz", ROWS, "gz"),
    "several tars": lambda at: (write_tar(at / "a.tar", ROWS[::2]), write_tar(at / "b.tar.gz", ROWS[1::2], "gz")),
    "zip": lambda at: write_zip(at / "photos.zip", ROWS),
    "Parquet": lambda at: write_parquet(at / "photos.parquet", ROWS),
    "TFRecord": lambda at: write_tfrecord(at / "photos.tfrecord-00000-of-00001", ROWS),
}


def test_the_same_photos_give_the_same_version_wherever_they_lie(tmp_path: Path) -> None:
    table = str(write_csv(tmp_path / "labels.csv", ROWS, split=True))
    seen = {}
    for name, write in BUNDLES.items():
        (tmp_path / name).mkdir()
        where = write(tmp_path / name)
        images = [str(path) for path in where] if isinstance(where, tuple) else str(where)
        samples = ingested(tmp_path, name, {"kind": "table", "images": images, "table": table})
        pixels = open_pixels(tmp_path / "runs" / name / "ingest")[samples.numbers("pixel_row")]
        seen[name] = (first_version(samples).id, samples.sample_ids.to_pylist(), samples.table["label"].to_pylist(),
                      pixels.tobytes())
    assert len(seen["folder"][1]) == len(ROWS)
    for name, outcome in seen.items():
        assert outcome == seen["folder"], name


@pytest.mark.parametrize("kind", ["Parquet", "TFRecord"])
def test_shards_with_labels_are_the_table_and_the_photos(kind: str, tmp_path: Path) -> None:
    write, ending = (write_parquet, "parquet") if kind == "Parquet" else (write_tfrecord, "tfrecord-00000-of-00001")
    images = {split: str(write(tmp_path / f"{split}.{ending}", [photo for photo in ROWS if photo.split == split]))
              for split in ("train", "validation", "test")}
    ordered = [photo for split in images for photo in ROWS if photo.split == split]
    samples = ingested(tmp_path, "shards", {"kind": "shards", "images": images})
    other = ingested(tmp_path, "folder", {"kind": "table", "images": str(write_folder(tmp_path / "photos", ROWS)),
                                          "table": str(write_csv(tmp_path / "labels.csv", ordered, split=True))})
    assert samples.fingerprint == other.fingerprint
    assert samples.table["filename"].to_pylist() == [photo.filename for photo in ordered]
    assert samples.table["filepath"][0].as_py() == f"train/{ordered[0].filename}"


def test_splits_are_read_off_the_names_of_shards_and_never_mixed(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        write_parquet(tmp_path / f"{split}-00000-of-00001.parquet", [photo for photo in ROWS if photo.split == split])
    source = {"kind": "shards", "images": str(tmp_path / "*.parquet")}
    samples = ingested(tmp_path, "named", source)
    assert sorted(zip(samples.table["filename"].to_pylist(), samples.table["split"].to_pylist(), strict=True)) == sorted(
        (photo.filename, photo.split) for photo in ROWS)
    write_parquet(tmp_path / "more.parquet", [Photo("x.jpg", 1, "train", jpeg(999))])
    with pytest.raises(InputError, match=r"nothing says which split .*more\.parquet belongs to"):
        ingested(tmp_path, "mixed", source)


@pytest.mark.parametrize("kind", [kind for kind in BUNDLES if kind != "folder"])
def test_every_image_is_read_in_any_order_and_held_against_its_id(kind: str, tmp_path: Path) -> None:
    (tmp_path / kind).mkdir()
    store = opened(BUNDLES[kind](tmp_path / kind), tmp_path)
    assert store.scan().photos.to_pylist() == sorted(photo.filename for photo in ROWS)
    for photo in [*reversed(ROWS), *ROWS]:
        assert read_checked(store, photo.filename, content_id(photo.data)) == photo.data
    with pytest.raises(ChangedImage, match="its bytes are others"):
        read_checked(store, ROWS[0].filename, content_id(b"another"))
    with pytest.raises(ChangedImage, match="gone"):
        read_checked(store, "absent.jpg", content_id(b""))
    order = store.reading_order(pa.array([photo.filename for photo in ROWS]))
    assert sorted(order.tolist()) == list(range(len(ROWS)))
    if kind in ("tar", "tar.gz"):
        assert [ROWS[row].filename for row in order] == sorted(photo.filename for photo in ROWS)


def test_the_index_is_made_once_and_again_when_the_archive_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "a.tar", ROWS[:6])
    first = opened(path, tmp_path)
    before = first.fingerprint()
    assert len(first.scan().photos) == 6

    def never(self: object) -> None:
        raise AssertionError("scanned again")

    with monkeypatch.context() as patch:
        patch.setattr("tinysieve.dataset.stores.tar_container.TarContainer.scan", never)
        assert len(opened(path, tmp_path).scan().photos) == 6
    for index in (tmp_path / "cache/index").iterdir():
        index.write_bytes(b"torn")
    assert len(opened(path, tmp_path).scan().photos) == 6
    write_tar(path, ROWS[:7])
    assert len(opened(path, tmp_path).scan().photos) == 7
    assert opened(path, tmp_path).fingerprint() != before


def tar_of(path: Path, members: list[tuple[str, bytes]], kind: bytes = tarfile.REGTYPE, link: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(data), kind if link else tarfile.REGTYPE, link
            archive.addfile(member, io.BytesIO(data))
    return path


def zip_of(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name, data in members:
            archive.writestr(name, data)
    return path


HOSTILE = ["../up.jpg", "/root.jpg", "a/../../up.jpg", "C:/x.jpg", "..\\x.jpg", "a\nb.jpg", "n" * 2000 + ".jpg"]


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_names_that_lead_elsewhere_are_refused_by_name_and_the_rest_is_read(kind: str, tmp_path: Path) -> None:
    members = [(name, jpeg(3)) for name in (*HOSTILE, "twice.jpg", "twice.jpg", "good.jpg", "./dir//other.jpg")]
    path = tmp_path / f"x.{kind}"
    if kind == "tar":
        tar_of(path, members)
    else:
        zip_of(path, members)
    images = opened(path, tmp_path).scan()
    assert images.photos.to_pylist() == ["dir/other.jpg", "good.jpg"]
    assert len(images.refused) == len(HOSTILE) + 1
    assert {row.reason for row in images.refused} >= {"its name leaves the archive", "its name is too long",
                                                      "its name stands several times: nothing says which is meant"}
    assert all(len(row.filepath) <= 1000 and "\n" not in row.filepath for row in images.refused)
    assert {row.where for row in images.refused} == {str(path)}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_never_followed(kind: bytes, tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar", [("link.jpg", b"")], kind, "/etc/passwd")
    images = opened(path, tmp_path).scan()
    assert len(images.photos) == 0
    assert [(row.filepath, row.reason) for row in images.refused] == [
        ("link.jpg", "a link, a device or a sparse file, and no photo")]


def test_one_name_in_two_archives_is_nobodys_unless_they_have_folders(tmp_path: Path) -> None:
    a, b = tar_of(tmp_path / "a.tar", [("1.jpg", jpeg(1)), ("2.jpg", jpeg(2))]), tar_of(tmp_path / "b.tar", [("1.jpg", jpeg(3))])
    images = opened([a, b], tmp_path).scan()
    assert images.photos.to_pylist() == ["2.jpg"]
    assert {(row.filepath, row.where) for row in images.refused} == {("1.jpg", str(a)), ("1.jpg", str(b))}
    apart = open_store({"train": str(a), "test": (str(b),)}, AS_A_RULE, tmp_path / "cache")
    assert apart.scan().photos.to_pylist() == ["test/1.jpg", "train/1.jpg", "train/2.jpg"]
    assert apart.read("test/1.jpg") == jpeg(3)


def test_a_flood_of_bad_names_is_bounded_in_what_is_said(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar", [(f"../{number}.jpg", b"") for number in range(1500)])
    refused = opened(path, tmp_path).scan().refused
    assert len(refused) == 1001
    assert refused[-1].filepath == "and 500 more"


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip", "Parquet", "TFRecord"])
@pytest.mark.parametrize("cut", [0.3, 0.6, 0.99])
def test_an_archive_that_was_cut_off_is_named_and_never_read_in_part(kind: str, cut: float, tmp_path: Path) -> None:
    (tmp_path / kind).mkdir()
    path = BUNDLES[kind](tmp_path / kind)
    assert isinstance(path, Path)
    data = path.read_bytes()
    # Behind its end mark a tar is padded with zeros, which nobody misses.
    whole = len(data.rstrip(b"\0")) + 512 if kind == "tar" else len(data)
    path.write_bytes(data[: int(whole * cut)])
    with pytest.raises(DamagedFile) as caught:
        opened(path, tmp_path).scan()
    assert str(path) in caught.value.where
    assert "get" in caught.value.fix


def test_a_tar_without_its_end_mark_or_with_a_second_one_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", ROWS[:3])
    data = path.read_bytes()
    path.write_bytes(data.rstrip(b"\0").ljust(-(-len(data.rstrip(b"\0")) // 512) * 512, b"\0"))
    with pytest.raises(DamagedFile, match="without the mark that ends an archive"):
        opened(path, tmp_path).scan()
    path.write_bytes(data[: len(data.rstrip(b"\0")) + 1024] + data)
    with pytest.raises(DamagedFile):
        opened(path, tmp_path).scan()


@given(place=st.integers(0, 511), value=st.integers(0, 255))
def test_any_byte_of_a_header_changed_is_an_error_or_the_same_photos(
    place: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("tar")
    path = write_tar(tmp_path / "x.tar", ROWS[:2])
    data = bytearray(path.read_bytes())
    second = 512 + -(-len(sorted(ROWS[:2], key=lambda photo: photo.filename)[0].data) // 512) * 512
    changed = data[second + place] != value
    data[second + place] = value
    path.write_bytes(data)
    try:
        names = opened(path, tmp_path).scan().photos.to_pylist()
    except DamagedFile:
        assert changed
    else:
        assert names == sorted(photo.filename for photo in ROWS[:2])


def test_headers_that_demand_much_or_lead_back_are_refused(tmp_path: Path) -> None:
    big = tarfile.TarInfo("x")
    big.size, big.type = 1 << 40, tarfile.GNUTYPE_LONGNAME
    path = tmp_path / "x.tar"
    path.write_bytes(big.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 21))
    with pytest.raises(DamagedFile):
        opened(path, tmp_path).scan()
    back = tarfile.TarInfo("a.jpg")
    back.size = 5
    back.pax_headers = {"size": "-1024"}
    path.write_bytes(back.tobuf(tarfile.PAX_FORMAT) + bytes(4096))
    with pytest.raises(DamagedFile):
        opened(path, tmp_path).scan()


def test_bombs_cost_neither_memory_nor_an_hour(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.jpg", bytes(1 << 26))
        archive.writestr("good.jpg", jpeg(1))
    data = bytearray((tmp_path / "x.zip").read_bytes())
    # The directory says less than what is packed: 100 bytes.
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02"))
    data[place + 24 : place + 28] = struct.pack("<I", 100)
    (tmp_path / "x.zip").write_bytes(data)
    store = opened(tmp_path / "x.zip", tmp_path)
    store.scan()
    tracemalloc.start()
    with pytest.raises(UndecodableImage, match="its checksum is another"):
        store.read("big.jpg")
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()
    assert store.read("good.jpg") == jpeg(1)
    packed = gzip.compress(bytes(1 << 28), 9) * 3
    (tmp_path / "x.tar.gz").write_bytes(packed)
    with pytest.raises(DamagedFile):
        GzipStream(LocalFile(tmp_path / "x.tar.gz")).up_to(1 << 40, 1)


def test_members_that_overlap_or_are_locked_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", ROWS[:3])
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\x01\x02")
    data[first + 20 : first + 24] = struct.pack("<I", len(data))
    second = data.index(b"PK\x01\x02", first + 4)
    data[second + 8] |= 1
    path.write_bytes(data)
    images = opened(path, tmp_path).scan()
    assert {row.reason for row in images.refused} == {"it overlaps the next member", "encrypted"}
    assert images.photos.to_pylist() == [ROWS[2].filename]


@pytest.mark.parametrize("kind", ["zip", "TFRecord"])
def test_a_byte_changed_inside_an_image_is_that_images_matter(kind: str, tmp_path: Path) -> None:
    (tmp_path / kind).mkdir()
    path = BUNDLES[kind](tmp_path / kind)
    assert isinstance(path, Path)
    data = bytearray(path.read_bytes())
    place = data.index(ROWS[0].data[-200:])
    data[place + 50] ^= 1
    path.write_bytes(data)
    store = opened(path, tmp_path)
    store.scan()
    with pytest.raises(UndecodableImage, match="checksum"):
        store.read(ROWS[0].filename)
    assert store.read(ROWS[1].filename) == ROWS[1].data


def test_gzip_gives_any_range_after_any_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = rng.bytes(3_000_000) + bytes(2_000_000) + rng.bytes(1_000_000)
    # Two members, as `cat a.gz b.gz` makes them, and padding.
    (tmp_path / "x.gz").write_bytes(gzip.compress(data[:2_500_000]) + gzip.compress(data[2_500_000:]) + bytes(512))
    stream = GzipStream(LocalFile(tmp_path / "x.gz"))
    for start, length in zip(rng.integers(0, len(data), 60).tolist(), rng.integers(0, 100_000, 60).tolist(), strict=True):
        assert stream.up_to(start, length) == data[start : start + length]
    assert stream.up_to(len(data) + 5, 3) == b""


@given(st.binary(max_size=700))
def test_crc32c_is_that_of_its_polynomial(data: bytes) -> None:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert crc32c(data) == crc ^ 0xFFFFFFFF


@given(st.binary(max_size=60))
def test_any_bytes_are_an_example_or_refused(data: bytes) -> None:
    with suppress(NoExample):
        assert isinstance(read_example(data), dict)


def test_what_tensorflow_writes_is_read(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "wake_vision-train.tfrecord-00000-of-00001"
    train = tf.train
    with tf.io.TFRecordWriter(str(path)) as writer:
        for photo in ROWS:
            feature = {"image": train.Feature(bytes_list=train.BytesList(value=[photo.data])),
                       "filename": train.Feature(bytes_list=train.BytesList(value=[photo.filename.encode()])),
                       "person": train.Feature(int64_list=train.Int64List(value=[photo.person])),
                       "depiction": train.Feature(int64_list=train.Int64List(value=[-1])),
                       "share": train.Feature(float_list=train.FloatList(value=[0.5]))}
            writer.write(train.Example(features=train.Features(feature=feature)).SerializeToString())
    images = opened(path, tmp_path).scan()
    assert images.rows is not None
    row = images.rows.to_pylist()[3]
    assert (row["filename"], row["person"], row["depiction"], row["share"]) == (ROWS[3].filename, ROWS[3].person, -1, 0.5)
    store = opened(path, tmp_path)
    assert [store.read(photo.filename) for photo in ROWS] == [photo.data for photo in ROWS]


def test_rows_without_a_name_of_their_own_keep_their_label(tmp_path: Path) -> None:
    names = ("a.jpg", "a.jpg", "", "../b.jpg", "c.jpg")
    rows = [Photo(name, number % 2, "train", jpeg(number)) for number, name in enumerate(names)]
    images = opened(write_parquet(tmp_path / "s.parquet", rows), tmp_path).scan()
    assert images.rows is not None
    assert images.photos.to_pylist() == ["c.jpg", "s/0.jpg", "s/1.jpg", "s/2.jpg"]
    assert dict(zip(images.rows["_photo"].to_pylist(), images.rows["person"].to_pylist(), strict=True)) == {
        "s/0.jpg": 0, "s/1.jpg": 1, "s/2.jpg": 0, "c.jpg": 0}
    assert [(row.filepath, row.reason) for row in images.refused] == [("../b.jpg", "its name leaves the archive")]
    store = opened(tmp_path / "s.parquet", tmp_path)
    assert store.read("s/1.jpg") == rows[1].data


def test_the_image_column_is_declared_or_asked_for_and_never_guessed(tmp_path: Path) -> None:
    table = parquet_table(ROWS[:3])
    two = table.append_column("mask", pa.array([b"x"] * 3)).replace_schema_metadata(None)
    pq.write_table(two, tmp_path / "two.parquet")
    with pytest.raises(DamagedFile, match="several image columns") as caught:
        opened(tmp_path / "two.parquet", tmp_path).scan()
    assert "dataset.store.image_column" in caught.value.fix
    chosen = opened(tmp_path / "two.parquet", tmp_path, StoreSettings(image_column="mask"))
    chosen.scan()
    assert chosen.read(ROWS[0].filename) == b"x"
    pq.write_table(table.drop_columns("image"), tmp_path / "none.parquet")
    with pytest.raises(DamagedFile, match="no image column"):
        opened(tmp_path / "none.parquet", tmp_path).scan()


def test_a_row_without_bytes_is_quarantined_by_name(tmp_path: Path) -> None:
    images = pa.array([{"bytes": None, "path": "a.jpg"}, {"bytes": jpeg(1), "path": "b.jpg"}],
                      pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"image": images, "person": [0, 1]}), tmp_path / "x.parquet")
    store = opened(tmp_path / "x.parquet", tmp_path)
    assert store.scan().photos.to_pylist() == ["a.jpg", "b.jpg"]
    with pytest.raises(UndecodableImage, match="only a path"):
        store.read("a.jpg")
    assert store.read("b.jpg") == jpeg(1)


def test_a_record_that_is_no_example_is_refused_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "x.tfrecord").write_bytes(framed([b"\xff" * 30, example({"image": jpeg(1), "filename": b"a.jpg"})]))
    images = opened(tmp_path / "x.tfrecord", tmp_path).scan()
    assert images.photos.to_pylist() == ["a.jpg"]
    assert images.refused[0].filepath == "x/0"


def test_files_that_are_none_of_these_are_refused_with_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "empty.tar").touch()
    (tmp_path / "x.tar.bz2").write_bytes(b"BZh91AY&SY" + bytes(600))
    for name, words in (("a.jpg", "no archive or shard"), ("empty.tar", "is empty"), ("x.tar.bz2", "packed with bzip2")):
        with pytest.raises(InputError, match=words):
            opened(tmp_path / name, tmp_path)
    with pytest.raises(InputError, match="no file is called"):
        opened(tmp_path / "*.zip", tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        opened([tmp_path / "gone.tar", tmp_path / "a.jpg"], tmp_path)


def test_places_are_read_as_people_write_them(tmp_path: Path) -> None:
    assert places_of("photos") == (Place("photos"),)
    assert places_of({"train": ("a", "b"), "test": "c"}) == (Place("a", "train"), Place("b", "train"), Place("c", "test"))
    assert image_folder("photos") == Path("photos")
    archive = str(write_tar(tmp_path / "x", []))
    for other in ("s3://bucket/photos", ("a.tar", "b.tar"), "shards/*.tar", {"train": "a.tar"}, archive):
        assert image_folder(other) is None


def test_names_of_zips_that_do_not_say_their_encoding(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("Fuß.jpg", jpeg(1))
    data = bytearray((tmp_path / "x.zip").read_bytes())
    for magic, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        data[data.index(magic) + offset] &= ~0x08
    (tmp_path / "x.zip").write_bytes(data)
    assert opened(tmp_path / "x.zip", tmp_path).scan().photos.to_pylist() == ["Fuß.jpg"]


def test_a_missing_member_is_a_row_without_a_file_and_said(tmp_path: Path) -> None:
    table = str(write_csv(tmp_path / "labels.csv", ROWS, split=True))
    source = {"kind": "table", "images": str(write_tar(tmp_path / "x.tar", ROWS[1:])), "table": table}
    samples = ingested(tmp_path, "one", source)
    assert len(samples) == len(ROWS) - 1
    assert ROWS[0].filename in (tmp_path / "runs/one/ingest/skipped.csv").read_text()
    with pytest.raises(InputError, match="1 row has no image file"):
        ingested(tmp_path, "strict", source, on_missing="error")


def test_reading_goes_through_a_store_in_its_own_order(tmp_path: Path) -> None:
    table = str(write_csv(tmp_path / "labels.csv", ROWS, split=True))
    samples = ingested(tmp_path, "a", {"kind": "table", "images": str(write_tar(tmp_path / "x.tar.gz", ROWS, "gz")),
                                       "table": table})
    reading = Reading(opened(tmp_path / "x.tar.gz", tmp_path), samples)
    assert reading.names == sorted(reading.names)
    assert [samples.sample_ids[int(row)].as_py() for row in reading.rows] == reading.sample_ids
    assert reading.decode(reading.names[0], reading.sample_ids[0]).shape == (60, 84, 3)
