"""The class order, where a file carries it: label lists that TFLite's metadata tools append as a zip archive."""

from __future__ import annotations

import io
import zipfile
import zlib

LONGEST_LABELS_BYTES = 2**16
MOST_ARCHIVE_MEMBERS = 64


def class_labels(model: bytes, classes: int) -> tuple[str, ...] | None:
    """Names of the ``classes`` outputs in their order, or None where the file does not say.

    A list fits if it is a text file in the archive behind the flatbuffer and has one line a class.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as archive:
            for member in archive.infolist()[:MOST_ARCHIVE_MEMBERS]:
                if (member.filename.endswith(".txt") and member.file_size <= LONGEST_LABELS_BYTES
                        and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
                    with archive.open(member) as text:
                        lines = text.read(LONGEST_LABELS_BYTES).decode().split("\n")
                    labels = tuple(line.strip() for line in lines if line.strip())
                    if len(labels) == classes:
                        return labels
    # Whatever is wrong with an archive that nothing else needs, the file does not say its class order.
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError, OSError):
        return None
    return None
