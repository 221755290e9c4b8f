"""Fetching a benchmark's data when a person asks for it: by an explicit address and checksum, resumed after a break.

Nothing in the program calls this but the command; there is no default address.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tinysieve.dataperf.archive import is_archive, safe_name, unpack
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.json_text import read_object
from tinysieve.ground.progress import Progress

WORK_FOLDER, _RECORDED = ".download", "recorded.json"
RECORD = "record"
_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60.0


def download(url: str, sha256: str, folder: Path, limit_bytes: int, progress: Progress) -> list[str]:
    """Fetch a file, check it, and put it, or what it unpacks to, into a folder.

    A broken transfer leaves its part in `folder/.download`; the same call goes on from there. The same call after success
    finds everything there and opens no connection.

    Args:
        url: http or https.
        sha256: 64 hexadecimal digits of the whole file; or "record": what comes the first time is noted in `folder/.download`
            and required from then on.
        folder: where the files go; files of other content are never replaced.
        limit_bytes: for the file, and for all that it unpacks to.
        progress: called with bytes done and bytes in all (0 where the server does not say).

    Returns:
        names of the files, relative to the folder.

    Raises:
        InputError: address, checksum, size or archive are refused, or a file with other content is in the way.
        MissingRequirement: the server cannot be reached or the transfer broke.
    """
    work = folder / WORK_FOLDER
    wanted = _checked(url, sha256) if sha256.lower() != RECORD else _recorded(url, work, limit_bytes, progress)
    receipt = work / f"{wanted}.json"
    if receipt.exists() and all((folder / name).exists() for name in json.loads(receipt.read_text())):
        return list(json.loads(receipt.read_text()))
    part = work / f"{wanted}.part"
    work.mkdir(parents=True, exist_ok=True)
    if not (part.exists() and _digest(part) == wanted):
        _fetch(url, part, limit_bytes, progress)
        _require_digest(part, wanted, url)
    names = _put(part, url, folder, work / f"{wanted}.unpacked", limit_bytes)
    write_text(receipt, json.dumps(names, indent=1) + "\n")
    part.unlink(missing_ok=True)
    return names


def recorded_checksums(folder: Path) -> dict[str, str]:
    """URL -> SHA-256 of what "record" has noted in a folder.

    Raises:
        InputError: the note was changed.
    """
    path = folder / WORK_FOLDER / _RECORDED
    return {url: str(digest) for url, digest in read_object(path).items()} if path.exists() else {}


def _recorded(url: str, work: Path, limit_bytes: int, progress: Progress) -> str:
    """The checksum that was noted for this address; without one the file is fetched, and its checksum noted."""
    _checked(url, "0" * 64)
    known = recorded_checksums(work.parent)
    if url not in known:
        work.mkdir(parents=True, exist_ok=True)
        part = work / f"record-{hashlib.sha256(url.encode()).hexdigest()[:16]}.part"
        _fetch(url, part, limit_bytes, progress)
        _refuse_page(part, url)
        known[url] = _digest(part)
        part.replace(work / f"{known[url]}.part")
        write_text(work / _RECORDED, json.dumps(known, indent=1) + "\n")
    return _checked(url, known[url])


def _checked(url: str, sha256: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise InputError(f"{url!r} is not an http or https URL", where="--url", fix="use the URL of the file itself")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InputError(f"{sha256!r} is not a SHA-256", where="--sha256", why="it shows that the right file was downloaded",
                         fix="write its 64 hexadecimal digits, or \"record\" to note what comes the first time")
    return sha256.lower()


def _fetch(url: str, part: Path, limit_bytes: int, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            _receive(answer, part, have if _continues(answer, have) else 0, limit_bytes, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            part.unlink()
            _fetch(url, part, limit_bytes, progress)
            return
        raise MissingRequirement(f"the server answers {error.code} {error.reason}", where=url,
                                 fix="check the URL in a browser") from error
    except (OSError, http.client.HTTPException) as error:
        kept = part.stat().st_size if part.exists() else 0
        raise MissingRequirement(f"the download failed: {error}", where=url,
                                 fix=f"run the same command to resume; {kept:,} B are kept") from error


def _continues(answer: http.client.HTTPResponse, have: int) -> bool:
    return answer.status == http.HTTPStatus.PARTIAL_CONTENT and (
        answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"))


def _receive(answer: http.client.HTTPResponse, part: Path, start: int, limit_bytes: int, progress: Progress) -> None:
    declared = answer.headers.get("Content-Length", "")
    total = start + int(declared) if declared.isdigit() else 0
    done = start
    with part.open("ab" if start else "wb") as written:
        while done <= limit_bytes >= total and (chunk := answer.read(_CHUNK_BYTES)):
            written.write(chunk)
            done += len(chunk)
            progress(done, total)
    if max(done, total) > limit_bytes:
        part.unlink()
        raise InputError(f"the file has more than {limit_bytes:,} B", where=answer.url, fix="raise the limit if you trust it")
    if done < total:
        raise http.client.IncompleteRead(b"", total - done)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_page(part: Path) -> bool:
    with part.open("rb") as file:
        return file.read(200).removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _refuse_page(part: Path, url: str) -> None:
    """Hosts of large files answer with a page that asks to sign in or to confirm; its checksum is not the file's."""
    if _is_page(part):
        part.unlink()
        raise InputError("the server sent a web page", where=url, why="its checksum would be required from now on",
                         fix="use the URL of the file itself; for a page that you do want, give its SHA-256")


def _require_digest(part: Path, wanted: str, url: str) -> None:
    if (digest := _digest(part)) == wanted:
        return
    page = _is_page(part)
    part.unlink()
    raise InputError(f"the file's SHA-256 is {digest}, not {wanted}", where=url,
                     why="it is a web page" if page else "it is another file, or it was corrupted",
                     fix="use the URL of the file itself" if page else "ask the publisher for the checksum")


def _put(part: Path, url: str, folder: Path, staging: Path, limit_bytes: int) -> list[str]:
    shutil.rmtree(staging, ignore_errors=True)
    try:
        if is_archive(part):
            names = unpack(part, staging, limit_bytes)
        else:
            names = [safe_name(unquote(urlsplit(url).path.rpartition("/")[2]) or "download", url)]
            staging.mkdir()
            shutil.copyfile(part, staging / names[0])
        _move(staging, folder, names)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return names


def _move(staging: Path, folder: Path, names: list[str]) -> None:
    for name in names:
        target = folder / name
        same = not target.exists() or (target.is_file() and _digest(target) == _digest(staging / name))
        if name.split("/")[0] == WORK_FOLDER or not same:
            raise InputError(f"{target} exists with other content", why="existing files are never replaced",
                             fix="move it, or use another --out")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(folder / name)
