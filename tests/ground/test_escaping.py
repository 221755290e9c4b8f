"""Text that crosses into another language is read back there as the same text."""

from __future__ import annotations

import ast
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.ground.escaping import (
    c_comment,
    c_float,
    c_string,
    config_value,
    identifier,
    markdown,
    markdown_with_code,
    one_line,
)

NASTY = st.text(st.sampled_from("\"'\\?/*<>[](){}`_~|$&#!:;@%+-=. \n\r\t\x00\x1b\u2028\u202eé9a"), max_size=40)


@given(NASTY)
def test_a_c_string_is_one_literal_of_the_same_bytes(text: str) -> None:
    literal = c_string(text)
    assert literal.isascii()
    assert re.fullmatch(r'"(?:[^"\\?\n]|\\["\\]|\\[0-7]{3})*"', literal)
    # Python's bytes have the same escapes.
    assert ast.literal_eval("b" + literal) == text.encode()


@given(NASTY)
def test_a_c_comment_neither_ends_nor_goes_on(text: str) -> None:
    comment = c_comment(text)
    assert comment.isprintable()
    assert comment.isascii()
    assert "\\" not in comment
    # Between the signs of either kind of comment, too.
    assert "*/" not in f"/* {comment} */"[2:-2]
    assert "/*" not in comment
    assert "//" not in comment


@given(NASTY)
def test_an_identifier_is_one(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", identifier(text))


@given(NASTY)
def test_a_configuration_value_is_plain_text_in_yaml_and_one_line(text: str) -> None:
    value = config_value(text)
    assert yaml.safe_load(f"key: {value}") == {"key": value[1:-1]}
    assert not set(value[1:-1]) & set('\\"$%;#\n')


@pytest.mark.parametrize("pattern", ["{}", "# {}: more", "- **{}** (more)", "one, {}, two", "| a | {} |\n|---|---|\n| {} | b |"])
@given(NASTY)
def test_markdown_shows_the_text_and_nothing_else(pattern: str, text: str) -> None:
    from markdown_it import MarkdownIt

    def kinds(inserted: str) -> list[str]:
        blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(pattern.replace("{}", inserted))
        return [token.type for block in blocks for token in (block, *(block.children or ()))]

    # With a plain word in its place the document has the same parts.
    assert kinds("x" + markdown(text) + "x") == kinds("word")
    assert set(kinds(markdown(text))) <= set(kinds("word"))


@given(NASTY)
def test_sentences_keep_their_code_and_nothing_else(text: str) -> None:
    from markdown_it import MarkdownIt

    blocks = MarkdownIt("commonmark").parse("say " + markdown_with_code(text))
    allowed = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "code_inline"}
    assert {token.type for block in blocks for token in (block, *(block.children or ()))} <= allowed


def test_addresses_do_not_become_links() -> None:
    assert "https://" not in markdown("see https://example.org/x").replace(":// ", "")
    assert "www." not in markdown("www.example.org").replace("www. ", "")


def test_one_line_keeps_what_is_printable() -> None:
    assert one_line("Ärger & 人") == "Ärger & 人"
    assert one_line("a\u202eb\u2028c\0") == "a\\u202eb\\u2028c\\x00"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_without_a_literal_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no literal"):
        c_float(value)
