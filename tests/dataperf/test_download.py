"""Downloads and archives from outside: resumed, checked, and never let out of their folder."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tinysieve.dataperf.archive import safe_name, unpack
from tinysieve.dataperf.download import download, recorded_checksums
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.cli import app

CONTENT = bytes(range(256)) * 9000


class Server:
    """A local server whose manners a test can change; `asked` holds the Range of each request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut_at: int | None = None
        self.ranges = True
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                outer.asked.append(asked)
                if self.path not in outer.files:
                    self.send_error(404)
                    return
                content = outer.files[self.path]
                start = int(asked[6:-1]) if asked and outer.ranges else 0
                if start >= len(content) and start:
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                self.wfile.write(content[start : outer.cut_at])

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def offer(self, name: str, content: bytes) -> tuple[str, str]:
        """Address and checksum of a new file."""
        self.files[f"/{name}"] = content
        return f"http://127.0.0.1:{self.http.server_port}/{name}", hashlib.sha256(content).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.http.shutdown()
    one.http.server_close()


def fetch(url: str, sha256: str, folder: Path, limit_bytes: int = 10**8) -> list[str]:
    return download(url, sha256, folder, limit_bytes, lambda done, total: None)


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def test_a_broken_transfer_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    server.cut_at = 1_000_000
    with pytest.raises(MissingRequirement, match="the download failed") as broken:
        fetch(url, digest, tmp_path)
    assert "1,000,000 B are kept" in broken.value.fix
    server.cut_at = None
    assert fetch(url, digest, tmp_path) == ["set.bin"]
    assert server.asked == [None, "bytes=1000000-"]
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    server.cut_at, server.ranges = 1000, False
    with pytest.raises(MissingRequirement):
        fetch(url, digest, tmp_path)
    server.cut_at = None
    assert fetch(url, digest, tmp_path) == ["set.bin"]
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_starts_over(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    (tmp_path / ".download").mkdir()
    (tmp_path / f".download/{digest}.part").write_bytes(CONTENT + b"more")
    assert fetch(url, digest, tmp_path) == ["set.bin"]


def test_a_second_call_asks_nobody(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.zip", zipped(data__a=b"a", b=b"b"))
    assert fetch(url, digest, tmp_path) == ["data/a", "b"]
    assert fetch(url, digest.upper(), tmp_path) == ["data/a", "b"]
    assert len(server.asked) == 1
    assert sorted(path.name for path in (tmp_path / ".download").iterdir()) == [f"{digest}.json"]


def test_another_checksum_keeps_nothing(server: Server, tmp_path: Path) -> None:
    url, _ = server.offer("set.bin", CONTENT)
    page, _ = server.offer("page", b"<!DOCTYPE html><html>Sign in</html>")
    with pytest.raises(InputError, match="SHA-256 is"):
        fetch(url, "0" * 64, tmp_path)
    with pytest.raises(InputError) as refused:
        fetch(page, "0" * 64, tmp_path)
    assert refused.value.why == "it is a web page"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(("url", "digest", "message"), [
    ("file:///etc/passwd", "0" * 64, "not an http or https URL"), ("http://", "0" * 64, "not an http or https URL"),
    ("http://localhost/x", "abc", "not a SHA-256"), ("http://localhost/x", "g" * 64, "not a SHA-256"),
])
def test_address_and_checksum_are_checked_first(tmp_path: Path, url: str, digest: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fetch(url, digest, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_files_and_servers_are_exit_code_3(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    with pytest.raises(MissingRequirement, match="answers 404") as missing:
        fetch(url + "x", digest, tmp_path)
    assert missing.value.exit_code == 3


def test_too_many_bytes_are_refused(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    with pytest.raises(InputError, match="more than 1,000 B"):
        fetch(url, digest, tmp_path, 1000)
    bomb, digest = server.offer("bomb.zip", zipped(zeros=bytes(10**6)))
    with pytest.raises(InputError, match="unpacks to more than 100,000 B"):
        fetch(bomb, digest, tmp_path, 100_000)
    assert [path.name for path in tmp_path.iterdir()] == [".download"]


def test_your_files_are_not_replaced(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.zip", zipped(a=b"a", b=b"b"))
    (tmp_path / "b").write_bytes(b"mine")
    with pytest.raises(InputError, match="exists with other content"):
        fetch(url, digest, tmp_path)
    assert (tmp_path / "b").read_bytes() == b"mine"
    assert not (tmp_path / "a").exists()
    (tmp_path / "b").write_bytes(b"b")
    assert fetch(url, digest, tmp_path) == ["a", "b"]
    assert len(server.asked) == 1


def tar_of(*members: tarfile.TarInfo, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 3) -> tarfile.TarInfo:
    one = tarfile.TarInfo(name)
    one.type, one.linkname, one.size = kind, target, size if kind == tarfile.REGTYPE else 0
    return one


def zip_symlink() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def zip_encrypted() -> bytes:
    content = bytearray(zipped(a=b"a"))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "zip parent": lambda: zipped(**{"..__evil": b"x"}),
    "zip absolute": lambda: zipped(**{"__evil": b"x"}),
    "zip backslash": lambda: zipped(**{"..\\evil": b"x"}),
    "zip drive": lambda: zipped(**{"C:evil": b"x"}),
    "zip link": zip_symlink,
    "zip encrypted": zip_encrypted,
    "zip file as folder": lambda: zipped(a=b"x", a__b=b"y"),
    "zip cut": lambda: zipped(a=CONTENT[:5000])[:-60] + zipped(a=b"")[-60:],
    "tar parent": lambda: tar_of(member("x/../../evil")),
    "tar absolute": lambda: tar_of(member("/evil")),
    "tar link": lambda: tar_of(member("link", tarfile.SYMTYPE, "/etc")),
    "tar hard link": lambda: tar_of(member("link", tarfile.LNKTYPE, "../evil")),
    "tar device": lambda: tar_of(member("null", tarfile.CHRTYPE)),
    "tar pipe": lambda: tar_of(member("pipe", tarfile.FIFOTYPE)),
    "tar twice": lambda: tar_of(member("a"), member("a")),
    "tar cut": lambda: tar_of(member("a", size=5000))[:3000],
    "tar bomb": lambda: tar_of(member("a", size=2_000_000), mode="w:gz"),
    "tar long header": lambda: tar_of(member("n" * 20_000_000), mode="w:gz"),
    "gzip cut": lambda: tar_of(member("a", size=5000), mode="w:gz")[:-20],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_leaves_nothing_behind(server: Server, tmp_path: Path, name: str) -> None:
    url, digest = server.offer("set", HOSTILE[name]())
    with pytest.raises(InputError):
        fetch(url, digest, tmp_path / "deep/out", 1_000_000)
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and ".download" not in path.parts]
    assert outside == []
    assert not (tmp_path / f"deep/out/.download/{digest}.unpacked").exists()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_every_usual_tar_is_unpacked(tmp_path: Path, mode: str) -> None:
    archive = tmp_path / "a.tar"
    folder = tarfile.TarInfo("./data")
    folder.type = tarfile.DIRTYPE
    archive.write_bytes(tar_of(folder, member("./data/a", size=7), member("b", size=0), mode=mode))
    assert unpack(archive, tmp_path / "out", 100) == ["data/a", "b"]
    assert (tmp_path / "out/data/a").read_bytes() == bytes(7)


@pytest.mark.parametrize("name", ["/a", "..", "a/../b", "a\\b", "c:d", "a\0b", "a\nb", "", ".", "./"])
def test_names_that_leave_or_mislead_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="has a member"):
        safe_name(name, "x")


def test_a_checksum_is_recorded_the_first_time_and_required_afterwards(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    assert fetch(url, "record", tmp_path) == ["set.bin"]
    assert recorded_checksums(tmp_path) == {url: digest}
    (tmp_path / "set.bin").unlink()
    server.offer("set.bin", CONTENT[:-1] + b"!")
    with pytest.raises(InputError, match=f"not {digest}"):
        fetch(url, "record", tmp_path)
    assert not (tmp_path / "set.bin").exists()
    server.offer("set.bin", CONTENT)
    assert fetch(url, "record", tmp_path) == ["set.bin"]


def test_a_page_that_asks_to_confirm_is_not_recorded(server: Server, tmp_path: Path) -> None:
    """What a host of large files answers in place of the file; with its own checksum a page is as good as any file."""
    page, digest = server.offer("set.html", b"\xef\xbb\xbf\n<!DOCTYPE html><html>Download anyway</html>")
    with pytest.raises(InputError, match="the server sent a web page") as refused:
        fetch(page, "record", tmp_path)
    assert "required from now on" in refused.value.why
    assert recorded_checksums(tmp_path) == {}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert fetch(page, digest, tmp_path) == ["set.html"]


def test_the_command_records_once_and_requires_from_then_on(server: Server, tmp_path: Path) -> None:
    url, digest = server.offer("set.bin", CONTENT)
    asked = ["dataperf", "download", "--url", url, "--sha256", "record", "--out", str(tmp_path)]
    first = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert first.exit_code == 0
    assert f"required from now on: --sha256 {digest}" in first.output
    # A second call opens no connection.
    assert CliRunner().invoke(app, asked, catch_exceptions=False).exit_code == 0
    assert len(server.asked) == 1
    (tmp_path / "set.bin").unlink()
    server.offer("set.bin", b"another file")
    with pytest.raises(InputError, match=f"not {digest}"):
        CliRunner().invoke(app, asked, catch_exceptions=False)
    assert not (tmp_path / "set.bin").exists()
