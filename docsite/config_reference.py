"""The page of configuration keys: every key with its type, range and default, out of the configuration's own schema."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

from tinysieve.pipeline.config.filters import Filters
from tinysieve.pipeline.config.sections import Dataset, config_type

INTRO = """# Configuration keys

Made from the code by `python -m docsite`. Every key can be set in the YAML file and with `-o a.b=c`. A key without a default
must be given. `tinysieve config show` prints a configuration with all defaults filled in.
"""


def config_page() -> str:
    """The whole page."""
    schema = config_type({}).model_json_schema()
    # Both are made when the file is read, with the kinds that it names, and inherit everything but the words.
    for name, section in (("Dataset", Dataset), ("Filters", Filters)):
        schema["$defs"][name].setdefault("description", inspect.getdoc(section) or "")
    return INTRO + "".join(_section(name, part, schema["$defs"]) for name, part in _sections(schema))


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sections in the order of the file: each key that holds others, and each kind that it may be."""
    waiting = [("", schema)]
    while waiting:
        name, part = waiting.pop(0)
        yield name, part
        inner = [(f"{name}.{key}".lstrip("."), value) for key, value in part["properties"].items()]
        waiting = [entry for key, value in inner for entry in _models(key, value, schema["$defs"])] + waiting


def _models(key: str, value: dict[str, Any], models: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    kinds = value.get("discriminator", {}).get("mapping")
    if kinds:
        for model in dict.fromkeys(kinds.values()):
            names = [kind for kind, of in kinds.items() if of == model]
            yield f"{key} {{kind: {' or '.join(names)}}}", models[_name(model)]
        return
    for option in (value, *value.get("anyOf", ())):
        if "$ref" in option and "properties" in models[_name(option["$ref"])]:
            yield key, models[_name(option["$ref"])]


def _section(name: str, part: dict[str, Any], models: dict[str, Any]) -> str:
    words = part.get("description", "")
    said = _arguments(words)
    lines = [f"\n## {name}" if name else "\n## The file", "", _plain(words.split("Args:")[0])]
    explained = any(key in said for key in part["properties"])
    lines += ["", "| key | value | default |" + " meaning |" * explained, "|---|---|---|" + "---|" * explained]
    for key, value in part["properties"].items():
        default = _default(value, key in part.get("required", ()))
        meaning = f" {_cell(said.get(key, ''))} |" * explained
        lines.append(f"| `{key}` | {_value(value, models)} | {default} |{meaning}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _arguments(docstring: str) -> dict[str, str]:
    """The `Args:` of a docstring by name.

    >>> _arguments("Limits.\\n\\nArgs:\\n    low: from here\\n        on.\\n    a, b: both.")
    {'low': 'from here on.', 'a': 'both.', 'b': 'both.'}
    """
    if "Args:" not in docstring:
        return {}
    body = re.split(r"\n(?=\S)", docstring.split("Args:", 1)[1])[0]
    parts = re.findall(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", body, re.MULTILINE)
    return {name.strip(): _plain(text) for names, text in parts for name in names.split(",")}


def _default(value: dict[str, Any], required: bool) -> str:
    if "default" not in value:
        return "must be given" if required else "made at run time"
    if isinstance(value["default"], dict):
        return "see its section"
    return f"`{_cell(json.dumps(value['default']))}`"


def _value(value: dict[str, Any], models: dict[str, Any]) -> str:
    options = value.get("anyOf") or value.get("oneOf") or [value]
    return " or ".join(dict.fromkeys(_type(option, models) for option in options))


def _type(value: dict[str, Any], models: dict[str, Any]) -> str:
    if "$ref" in value:
        model = models[_name(value["$ref"])]
        return "a section" if "properties" in model else _type(model, models)
    if "enum" in value or "const" in value:
        return ", ".join(f"`{choice}`" for choice in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"list of {_value(value['items'], models)}" if "items" in value else "list"
    names = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false",
             "object": "keys and values", "null": "nothing"}
    return _cell(" ".join([names.get(value.get("type", ""), "any value"), *_range(value)]))


def _range(value: dict[str, Any]) -> Iterator[str]:
    for key, sign in (("minimum", "from"), ("exclusiveMinimum", "above"), ("gt", "above"), ("maximum", "to"),
                      ("exclusiveMaximum", "below")):
        if key in value:
            yield f"{sign} {value[key]:,}"
    if "pattern" in value:
        yield f"like `{value['pattern']}`"


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[1]
