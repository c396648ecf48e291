"""A page as its reader meets it: tags, headings and text, and whether it is safe to open; for the tests of pages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

_VOID = {"meta", "br", "wbr", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """What a parser finds; ``balanced`` is false when a tag closes that is not the open one."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html, self.open, self.balanced = html, [], True
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(html)
        self.balanced &= not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.balanced &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).split())

    @property
    def headings(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.tags if re.fullmatch("h[1-6]", tag)]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]

    def skips_no_heading(self) -> bool:
        levels = self.headings
        one_title = levels[:1] == [1] and levels.count(1) == 1
        return one_title and all(b <= a + 1 for a, b in pairwise(levels))

    def runs_and_fetches_nothing(self) -> bool:
        active = {"script", "iframe", "object", "embed", "link", "img", "form", "base", "animate", "set"}
        names = {name for _, attrs in self.tags for name in attrs}
        addresses = [v for _, attrs in self.tags for k, v in attrs.items() if k in ("href", "src", "xlink:href")]
        styles = re.findall(r"url\((?!#)|@import", self.html)
        on_page = all(str(address).startswith("#") for address in addresses)
        return on_page and not styles and not active & {t for t, _ in self.tags} and not any(map(_is_handler, names))

    def has_policy(self) -> bool:
        return any(
            attrs.get("http-equiv") == "Content-Security-Policy" and "default-src 'none'" in str(attrs["content"])
            for tag, attrs in self.tags
            if tag == "meta"
        )

    def every_table_is_labelled(self) -> bool:
        tags = [tag for tag, _ in self.tags]
        scoped = all(attrs.get("scope") in ("col", "row", "rowgroup") for tag, attrs in self.tags if tag == "th")
        return scoped and tags.count("caption") == tags.count("table")


def _is_handler(name: str) -> bool:
    return name.startswith("on")
