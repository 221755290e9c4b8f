"""What a file is, by its first bytes and never by its name: which formats are read, and what is said of the others."""

from __future__ import annotations

import re

HEAD_BYTES = 64
READ = ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "AVIF", "HEIC")

_MAGIC = (
    ("JPEG", rb"\xff\xd8\xff"), ("PNG", rb"\x89PNG\r\n\x1a\n"), ("GIF", rb"GIF8[79]a"), ("WebP", rb"RIFF....WEBP"),
    ("BMP", rb"BM.{4}\x00\x00\x00\x00"), ("TIFF", rb"II[*+]\x00|MM\x00[*+]"), ("AVIF", rb"....ftyp(avif|avis)"),
    ("AVIF", rb"....ftyp(mif1|msf1)....(?:.{4})*?(avif|avis)"), ("HEIC", rb"....ftyp(hei[cxmsf]|hev[cxms]|mif1|msf1)"),
    ("JPEG XL", rb"\xff\x0a|\x00\x00\x00\x0cJXL "), ("JPEG 2000", rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"),
    ("PPM", rb"P[1-7]\s"), ("Radiance HDR", rb"#\?RADIANCE"), ("OpenEXR", rb"\x76\x2f\x31\x01"), ("QOI", rb"qoif"),
    ("DDS", rb"DDS "), ("BLP", rb"BLP[12]"), ("Photoshop", rb"8BPS"), ("FITS", rb"SIMPLE  ="),
    ("PostScript", rb"%!PS|\xc5\xd0\xd3\xc6"), ("PDF", rb"%PDF"),
    ("a pointer of Git LFS", rb"version https://git-lfs"), ("a pointer of git-annex", rb"(\.\./|\.git)*/annex/objects/"),
    ("a web page", rb"(?i)\s*<(!doctype html|html)"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.DOTALL)) for name, pattern in _MAGIC)
# What stands in the place of a photo, and what to do.
_IN_PLACE = {"a pointer of Git LFS": "fetch the photos with 'git lfs pull'",
             "a pointer of git-annex": "fetch the photos with 'git annex get'",
             "a web page": "the download of the photo failed: fetch it again"}
_DOCUMENTS = ("PostScript", "PDF", "Photoshop", *_IN_PLACE)


def format_of(head: bytes) -> str:
    """Name of the format whose files begin so, "" if none that is known.

    >>> format_of(b"%!PS-Adobe-3.0"), format_of(b"\\xff\\xd8\\xff\\xe0"), format_of(b"hello")
    ('PostScript', 'JPEG', '')
    """
    return next((name for name, pattern in _PATTERNS if pattern.match(head[:HEAD_BYTES])), "")


def is_picture(head: bytes) -> bool:
    """True for a photo's format, read here or not: what is not read is named in the quarantine instead of passed over."""
    name = format_of(head)
    return name != "" and name not in _DOCUMENTS


def refusal(name: str) -> str:
    """Why a file of a format that is not read is none of ours."""
    if not name:
        return "not an image"
    if name in _IN_PLACE:
        return f"not an image but {name}: {_IN_PLACE[name]}"
    return f"{name} is not read: convert it to JPEG or PNG"
