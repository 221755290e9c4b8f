"""`python -m docsite` writes the pages of docs/reference/ and the tables of docs/measured.md, scale.md and filters.md."""

from __future__ import annotations

from docsite.pages import made_pages

for page, text in made_pages().items():
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
    print(page)
