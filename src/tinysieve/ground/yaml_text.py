"""YAML from a stranger: small, flat, without aliases, tags or repeated keys; whatever else YAML can do is refused with its line.

An alias can make a few lines into gigabytes or lead to itself, a tag can name code, and of two equal keys one is ignored. Nothing
that is written for this program needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from tinysieve.ground.errors import InputError
from tinysieve.ground.small_text import read_small_text

LARGEST_BYTES = 64 * 1024
# Twenty thousand names of classes.
LARGEST_DESCRIPTION_BYTES = 512 * 1024
DEEPEST = 16


@dataclass(frozen=True)
class YamlText:
    """What a text says, and where: `node` keeps the lines."""

    data: Any
    node: yaml.Node | None


def read_yaml(path: Path) -> YamlText:
    """Read a YAML file of settings.

    Raises:
        OSError: it is not there, or a folder.
        InputError: a pipe or a device, more than LARGEST_BYTES, not UTF-8, or see `parse_yaml`.
    """
    return parse_yaml(read_small_text(path, LARGEST_BYTES, "YAML", "name a YAML file of settings"), str(path))


def read_description(path: Path, fix: str) -> Any:
    """What a YAML file of another program says, such as YOLO's `data.yaml`; its keys may be whole numbers, its lists long.

    Args:
        fix: what to do where the file cannot be read.

    Raises:
        OSError: it is not there, or a folder.
        InputError: as `read_yaml`, with LARGEST_DESCRIPTION_BYTES.
    """
    text = read_small_text(path, LARGEST_DESCRIPTION_BYTES, "YAML", fix)
    return _parse(text, str(path), _DescriptionLoader).data


def parse_yaml(text: str, where: str) -> YamlText:
    """Read one YAML document of settings.

    Raises:
        InputError: no YAML, more than one document, nested deeper than DEEPEST, an alias, an anchor, a tag, a key that is no text
            or stands twice, or a character that no terminal should obey; names `where` and the line.

    >>> parse_yaml("a: [1, 2]", "x.yaml").data
    {'a': [1, 2]}
    """
    return _parse(text, where, _Loader)


def _parse(text: str, where: str, kind: type[_Loader]) -> YamlText:
    if "\0" in text:
        raise InputError("a NUL character", where=f"{where}:{text[: text.index(chr(0))].count(chr(10)) + 1}", fix="remove it")
    try:
        loader = kind(text, where)
        node = loader.get_single_node()
        return YamlText(None if node is None else loader.construct_document(node), node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f":{mark.line + 1}"
        said = error.problem or error.context or "it cannot be read"
        raise InputError(f"{where} is not YAML: {said}", where=f"{where}{line}",
                         fix="balance brackets; quote text with special characters") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(f"{where} is not YAML: {error}"[:300], where=where) from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which stops at the first thing that settings do not need."""

    KEYS = frozenset({"tag:yaml.org,2002:str"})
    WHY = "settings are plain YAML"

    def __init__(self, text: str, where: str) -> None:
        super().__init__(text)
        self._where = where
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self._refuse(event.start_mark, f"'{event.anchor}' is an anchor or an alias", "write the value out")
        if getattr(event, "tag", None) is not None:
            self._refuse(event.start_mark, f"the tag '{event.tag}'"[:100], "write a plain value")
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(event.start_mark, f"nested deeper than {DEEPEST} levels", "write it flatter")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in self.KEYS:
                self._refuse(key.start_mark, "a key that is no text", "put quotes around it, or correct it")
            # As text, since 1 and "1" and 0x1 are one key to whoever looks a number up.
            name = str(self.construct_object(key))
            if name in seen:
                self._refuse(key.start_mark, f"the key '{key.value}' stands twice"[:100], "keep one of them")
            seen.add(name)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            self._refuse(node.start_mark, f"no such value: {error}"[:100], "correct it")

    def _refuse(self, mark: yaml.Mark, what: str, fix: str) -> NoReturn:
        raise InputError(what, where=f"{self._where}:{mark.line + 1}", why=self.WHY, fix=fix)


class _DescriptionLoader(_Loader):
    """The same for what other programs write, in which classes have numbers."""

    KEYS = _Loader.KEYS | {"tag:yaml.org,2002:int"}
    WHY = "only plain YAML is read"
