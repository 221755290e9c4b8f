"""Templates of the bundle, in which text from outside can only stand escaped.

A name in a Markdown file is escaped wherever it stands. In C and in build files the template says as what it stands there
(a string, an identifier, numbers); one that says nothing is a fault of ours and stops the bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tinysieve.ground import escaping
from tinysieve.ground.escaping import Escaped

_FILTERS = ("c_string", "c_float", "c_numbers", "identifier", "markdown_with_code")


def rendered(name: str, values: Mapping[str, Any]) -> str:
    """The template ``name.j2`` with these values.

    Raises:
        TypeError: text reached a file that is not Markdown without having been escaped for it.
    """
    finish = _as_markdown if name.endswith(".md") else _only_escaped
    return str(_environment(finish).get_template(f"{name}.j2").render(values))


def _as_markdown(value: Any) -> Any:
    return escaping.markdown(value) if isinstance(value, str) and not isinstance(value, Escaped) else value


def _only_escaped(value: Any) -> Any:
    if isinstance(value, (Escaped, int)):
        return value
    raise TypeError(f"{value!r:.80} reaches a template of code without an escape")


@cache
def _environment(finish: Callable[[Any], Any]) -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("tinysieve.quantize.firmware", "templates"), undefined=StrictUndefined,
                              keep_trailing_newline=True, autoescape=False, finalize=finish)
    environment.filters |= {name: getattr(escaping, name) for name in _FILTERS}
    return environment
