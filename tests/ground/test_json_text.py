"""JSON from outside: a file and nothing else, of bounded size and depth, each key once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import parse_json, read_json


@pytest.mark.parametrize(("text", "match"), [
    ('{"a": 1, "a": 1}', "the key 'a' stands twice"), ('[{"b": {"c": 1, "d": 2, "c": 3}}]', "the key 'c' stands twice"),
    ('{"": 1, "": 2}', "the key '' stands twice"), ('{"\\u0061": 1, "a": 2}', "the key 'a' stands twice"),
    ('{"\\u001b[31m": 1, "\\u001b[31m": 2}', r"the key '\\x1b\[31m' stands twice"),
    ("[" * 100_000, "nested too deeply"), ('{"a": ' * 100_000, "nested too deeply"), ("9" * 5_000, "not JSON"), ("", "not JSON"),
])
def test_text_that_is_refused(text: str, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        parse_json(text, "x.json")
    assert caught.value.where == "x.json"
    assert len(str(caught.value)) < 500


def test_the_same_key_in_two_objects_is_no_fault() -> None:
    assert parse_json('[{"a": 1}, {"a": {"a": 2}}, {}]', "x.json") == [{"a": 1}, {"a": {"a": 2}}, {}]


def test_pipes_and_devices_are_no_json(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero"), tmp_path):
        with pytest.raises(InputError, match="it is not a file"):
            read_json(path)
