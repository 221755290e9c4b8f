"""Archives, shards and folders behind addresses: read by range, asked again, and every failure named for what it is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import serving_hub
from range_server import RangeServer, serving
from stored_photos import photos, write_csv, write_folder, write_parquet, write_tar, write_tfrecord, write_zip

from tinysieve.dataset.image_store import content_id, read_checked
from tinysieve.dataset.stores.block_cache import BLOCK, BlockCache
from tinysieve.dataset.stores.registry import open_store
from tinysieve.dataset.stores.store import AS_A_RULE, ImageStore, StoreSettings, Unreachable
from tinysieve.dataset.versions import first_version
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import INGEST, samples_of

fsspec = pytest.importorskip("fsspec")
ROWS = photos()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    pytest.importorskip("aiohttp")
    published = tmp_path / "published"
    published.mkdir()
    write_tar(published / "photos.tar", ROWS)
    write_tar(published / "photos.tar.gz", ROWS, "gz")
    write_zip(published / "photos.zip", ROWS)
    write_parquet(published / "photos.parquet", ROWS)
    write_tfrecord(published / "photos.tfrecord", ROWS)
    (published / "secret.tar").write_bytes((published / "photos.tar").read_bytes())
    with serving(published) as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinysieve.dataset.stores.remote_file.time.sleep", lambda seconds: None)


def opened(address: str, tmp_path: Path, settings: StoreSettings = AS_A_RULE) -> ImageStore:
    return open_store(address, settings, tmp_path / "cache")


def same_photos(store: ImageStore) -> bool:
    assert store.scan().photos.to_pylist() == sorted(photo.filename for photo in ROWS)
    return all(read_checked(store, photo.filename, content_id(photo.data)) == photo.data for photo in ROWS)


@pytest.mark.parametrize("name", ["photos.tar", "photos.tar.gz", "photos.zip", "photos.parquet", "photos.tfrecord"])
def test_every_format_is_read_from_a_web_server(name: str, server: RangeServer, tmp_path: Path) -> None:
    assert same_photos(opened(f"{server.address}/{name}", tmp_path))
    assert set(server.asked) == {name}
    sent = server.sent
    # What was read lies on this disk, and the index too.
    assert same_photos(opened(f"{server.address}/{name}", tmp_path))
    assert server.sent == sent


def test_only_parts_of_a_large_archive_are_fetched(server: RangeServer, tmp_path: Path) -> None:
    big = server.folder / "big.zip"
    write_zip(big, ROWS)
    with zipfile.ZipFile(big, "a") as archive:
        archive.writestr("film.mp4", np.random.default_rng(0).bytes(20 * BLOCK), zipfile.ZIP_STORED)
    assert same_photos(opened(f"{server.address}/big.zip", tmp_path))
    assert server.sent < 5 * BLOCK < big.stat().st_size / 3


def test_a_server_that_drops_and_recovers_changes_nothing(server: RangeServer, tmp_path: Path) -> None:
    server.drops, server.status = 2, (2, 503)
    assert same_photos(opened(f"{server.address}/photos.tar", tmp_path))
    assert (server.drops, server.status[0]) == (0, 0)


def test_a_server_that_only_drops_is_named_and_no_image_is_blamed(server: RangeServer, tmp_path: Path) -> None:
    server.drops = 1000
    with pytest.raises(Unreachable, match="no answer after 3 attempts") as caught:
        opened(f"{server.address}/photos.tar", tmp_path, StoreSettings(retries=2))
    assert caught.value.where == f"{server.address}/photos.tar"
    assert "run the same command to resume" in caught.value.fix
    assert caught.value.exit_code == 3


def test_a_changed_file_is_another_one(server: RangeServer, tmp_path: Path) -> None:
    address = f"{server.address}/photos.tar"
    before = opened(address, tmp_path)
    before.scan()
    write_tar(server.folder / "photos.tar", ROWS[:3])
    after = opened(address, tmp_path)
    assert after.fingerprint() != before.fingerprint()
    assert len(after.scan().photos) == 3


@pytest.mark.parametrize(("status", "error", "words"), [
    (404, InputError, "there is no such file"), (403, MissingRequirement, "403"), (500, MissingRequirement, "500")])
def test_refusals_say_what_to_do(status: int, error: type[Exception], words: str, server: RangeServer, tmp_path: Path) -> None:
    server.status = (1000, status)
    with pytest.raises(error, match=words):
        opened(f"{server.address}/photos.tar", tmp_path, StoreSettings(retries=1)).scan()


def test_a_server_without_ranges_is_refused_before_its_file_is_fetched(server: RangeServer, tmp_path: Path) -> None:
    server.ranges = False
    (server.folder / "photos.tar").write_bytes(bytes(8 * BLOCK))
    with pytest.raises(InputError, match="does not give parts"):
        opened(f"{server.address}/photos.tar", tmp_path).scan()
    assert server.asked == ["photos.tar", "photos.tar"]


def test_a_web_server_has_no_list_and_nothing_is_guessed(server: RangeServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not list its files"):
        opened(f"{server.address}/*.tar", tmp_path)
    assert server.asked == []


def test_the_cache_is_bounded_and_torn_blocks_are_fetched_again(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path, 3 * (BLOCK + 4))
    for number in range(5):
        cache.put(f"x-{number}", bytes([number]) * BLOCK)
    assert [cache.get(f"x-{number}", BLOCK) is not None for number in range(5)] == [False, False, True, True, True]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3 * (BLOCK + 4)
    again = BlockCache(tmp_path, 3 * (BLOCK + 4))
    assert again.get("x-4", BLOCK) == bytes([4]) * BLOCK
    torn = tmp_path / "x-3.block"
    torn.write_bytes(torn.read_bytes()[:-9] + bytes(9))
    assert again.get("x-3", BLOCK) is None
    again.put("x-5", b"z" * 10)
    again.put("x-6", b"z" * BLOCK)
    assert again.get("x-2", BLOCK) is None


def test_credentials_in_an_address_and_chains_are_refused_with_the_line(tmp_path: Path) -> None:
    for address in ("https://me:secret@example.org/a.tar", "simplecache::s3://bucket/a.tar"):
        with pytest.raises(ValueError, match="credentials come from the environment"):
            _config(tmp_path, {"kind": "folders", "images": address})
    for address in ("ftp://example.org/a.tar", "file:///etc/passwd", "github://a:b@/x"):
        with pytest.raises((InputError, ValueError)):
            open_store(_config(tmp_path, {"kind": "folders", "images": address}).dataset.source.images, AS_A_RULE, tmp_path)


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = ("import sys; sys.modules['fsspec'] = None\n"
            "from pathlib import Path\nfrom tinysieve.dataset.stores.registry import open_store\n"
            "from tinysieve.dataset.stores.store import AS_A_RULE\n"
            f"open_store('s3://bucket/a.tar', AS_A_RULE, Path({str(tmp_path)!r}))")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingRequirement: an address s3:// needs the package s3fs" in said.stderr
    assert "pip install 'tinysieve[remote]'" in said.stderr


def test_fsspec_is_imported_only_for_addresses(tmp_path: Path) -> None:
    code = ("import sys\nfrom pathlib import Path\nfrom tinysieve.dataset.stores.registry import open_store\n"
            "from tinysieve.dataset.stores.store import AS_A_RULE\n"
            f"open_store({str(write_tar(tmp_path / 'a.tar', ROWS))!r}, AS_A_RULE, Path({str(tmp_path)!r})).scan()\n"
            "print('fsspec' in sys.modules, 'aiohttp' in sys.modules)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]


def test_a_folder_and_a_pattern_in_an_object_store(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for photo in ROWS:
        memory.pipe(f"/bucket/photos/{photo.filename}", photo.data)
    memory.pipe("/bucket/photos/.hidden.jpg", b"x")
    memory.pipe("/bucket/photos/notes.txt", b"x")
    folder = opened("memory://bucket/photos", tmp_path)
    assert same_photos(folder)
    assert folder.scan().litter == (".hidden.jpg",)
    for number, part in enumerate((ROWS[::2], ROWS[1::2])):
        memory.pipe(f"/bucket/shards/{number}.tar", write_tar(tmp_path / f"{number}.tar", part).read_bytes())
    assert same_photos(opened("memory://bucket/shards/*.tar", tmp_path))
    memory.store.clear()


def _config(tmp_path: Path, source: dict[str, Any], **store: object) -> Any:
    return config_of({
        "run": tmp_path / "run", "workers": 2, "dataset": {"source": source, "rule": "any", "store": store},
        "filter": {"detector": {"kind": "presence_head"}}, "policy": {"kind": "default"}, "train": {"recipe": "demo"}})


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of a real S3 server on loopback."""
    pytest.importorskip("s3fs")
    pytest.importorskip("flask_cors")
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "NO_PROXY": "127.0.0.1",
                        "AWS_DEFAULT_REGION": "us-east-1", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    system = fsspec.filesystem("s3")
    system.mkdir("s3://photos")
    yield system
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    running.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_version_from_an_object_store(bucket: Any, tmp_path: Path) -> None:
    table = str(write_csv(tmp_path / "labels.csv", ROWS, split=True))
    ids = set()
    here = write_folder(tmp_path / "photos", ROWS)
    bucket.put(f"{here}/", "s3://photos/folder/", recursive=True)
    bucket.put(str(write_tar(tmp_path / "a.tar", ROWS[::2])), "s3://photos/tars/a.tar")
    bucket.put(str(write_tar(tmp_path / "b.tar", ROWS[1::2])), "s3://photos/tars/b.tar")
    bucket.put(str(write_parquet(tmp_path / "x.parquet", ROWS)), "s3://photos/x.parquet")
    bucket.invalidate_cache()
    for number, images in enumerate((str(here), "s3://photos/folder", "s3://photos/tars/*.tar", "s3://photos/x.parquet")):
        config = _config(tmp_path, {"kind": "table", "images": images, "table": table})
        run = Run(config, tmp_path / f"run-{number}")
        (run.folder / "ingest").mkdir(parents=True)
        INGEST.work(run, run.folder / "ingest")
        ids.add(first_version(samples_of(run)).id)
    assert len(ids) == 1
    with pytest.raises(InputError, match="there is no such file"):
        opened("s3://photos/absent.tar", tmp_path)


_READ = """
import sys
from pathlib import Path
from tinysieve.dataset.image_store import content_id
from tinysieve.dataset.stores.registry import open_store
from tinysieve.dataset.stores.store import StoreSettings
store = open_store(sys.argv[1], StoreSettings(retries=0), Path(sys.argv[2]))
print(sorted(content_id(store.read(name)) for name in store.scan().photos.to_pylist()))
"""


def test_the_hub_is_read_by_its_own_client(tmp_path: Path) -> None:
    """The client takes the hub's address from the environment, once: in a process of its own."""
    pytest.importorskip("huggingface_hub")
    (tmp_path / "hub/data").mkdir(parents=True)
    write_parquet(tmp_path / "hub/data/train-00000-of-00001.parquet", ROWS)
    write_tar(tmp_path / "hub/photos.tar", ROWS)

    def read(place: str) -> subprocess.CompletedProcess[str]:
        settings = {"HF_ENDPOINT": address, "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1",
                    "HF_HOME": str(tmp_path / "home")}
        return subprocess.run([sys.executable, "-c", _READ, place, str(tmp_path / "cache")], env={**os.environ, **settings},
                              capture_output=True, text=True)

    with serving_hub(tmp_path / "hub", "me/photos") as address:
        for place in ("hf://datasets/me/photos/data/*.parquet", "hf://datasets/me/photos@main/photos.tar"):
            said = read(place)
            assert said.stdout.strip() == str(sorted(content_id(photo.data) for photo in ROWS)), said.stderr
        for place in ("hf://datasets/me/photos/absent.tar", "hf://datasets/me/absent/photos.tar"):
            assert "InputError: there is no such file" in read(place).stderr


def test_google_storage_is_read_by_its_own_client(tmp_path: Path) -> None:
    """A server on loopback keeps the files; the client is asked in a process of its own, as it takes its host once."""
    pytest.importorskip("gcsfs")
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="photos")
    running.start()
    settings = {**os.environ, "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}", "NO_PROXY": "127.0.0.1"}
    write_tar(tmp_path / "a.tar", ROWS)
    write_folder(tmp_path / "folder", ROWS)
    put = ("import sys, fsspec\nsystem = fsspec.filesystem('gs')\n"
           "system.put(sys.argv[1], 'photos/a.tar')\nsystem.put(sys.argv[2], 'photos/folder/', recursive=True)")

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", *words], env=settings, capture_output=True, text=True)

    try:
        ask(put, str(tmp_path / "a.tar"), f"{tmp_path}/folder/").check_returncode()
        for place in ("gs://photos/*.tar", "gs://photos/folder"):
            said = ask(_READ, place, str(tmp_path / "cache"))
            assert said.stdout.strip() == str(sorted(content_id(photo.data) for photo in ROWS)), said.stderr
        assert "InputError: there is no such file" in ask(_READ, "gs://photos/absent.tar", str(tmp_path)).stderr
    finally:
        running.stop()
