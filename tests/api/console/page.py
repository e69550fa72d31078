"""A page as a tree, and what is wrong with it for who reads it with a screen reader or a keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
REFERENCES = ("for", "aria-labelledby", "aria-describedby")
NAMED_BY = ("aria-label", "aria-labelledby", "title")


@dataclass
class Node:
    """An element: its attributes, and what stands in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, without needless blanks."""
        parts = [one if isinstance(one, str) else one.text for one in self.inside]
        return re.sub(r"\s+", " ", " ".join(parts)).strip()

    @property
    def children(self) -> list[Node]:
        """The elements that stand directly in it."""
        return [one for one in self.inside if isinstance(one, Node)]

    def all(self, *tags: str) -> Iterator[Node]:
        """Every element in it of these tags, in the order of the page; of any tag without."""
        for one in self.children:
            if not tags or one.tag in tags:
                yield one
            yield from one.all(*tags)

    def first(self, tag: str) -> Node:
        """The first element of a tag."""
        return next(self.all(tag))


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.faults.append(f"<{tag}> says {names} twice")
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1].tag}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parse(html: str) -> Node:
    """The tree of a page. Fails for elements that are not closed in order."""
    tree = _Tree()
    tree.feed(html)
    assert (tree.faults, [one.tag for one in tree.open]) == ([], [""]), html
    return tree.open[0]


def rows_of(page: Node) -> list[Node]:
    """The rows of the first table of a page, heads and what is nested left out."""
    tables = list(page.first("main").all("table"))
    body = [one for one in tables[0].children if one.tag == "tbody"] if tables else []
    return [row for one in body for row in one.children]


def faults(page: Node) -> list[str]:
    """What is wrong with a page."""
    return [found for check in CHECKS for found in check(page)]


def _frame(page: Node) -> Iterator[str]:
    if page.first("html").attributes.get("lang") not in ("en", "zh-CN"):
        yield "no language"
    if not page.first("title").text.removesuffix(" · leaseledger"):
        yield "no title"
    if [one.attributes.get("id") for one in page.all("main")] != ["main"]:
        yield "not one main"
    skip = next(page.first("body").all("a"))
    if (skip.attributes.get("class"), skip.attributes.get("href")) != ("skip", "#main"):
        yield "no link to the content first"


def _references(page: Node) -> Iterator[str]:
    ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    yield from (f"id {one} twice" for one in sorted({one for one in ids if ids.count(one) > 1}))
    named = [one.attributes.get(name) for one in page.all() for name in REFERENCES]
    yield from (f"nothing has the id {one}" for one in named if one is not None and one not in ids)


def _headings(page: Node) -> Iterator[str]:
    levels = [int(one.tag[1]) for one in page.all("h1", "h2", "h3", "h4")]
    if levels[:1] != [1] or levels.count(1) != 1:
        yield f"not one h1 first: {levels}"
    yield from (f"h{after} under h{before}" for before, after in pairwise(levels) if after > before + 1)


def _labels(page: Node) -> Iterator[str]:
    labelled = {one.attributes.get("for") for one in page.all("label")}
    for one in page.all("input", "select"):
        if not (_has_name(one) or one.attributes.get("id") in labelled or one.attributes.get("type") == "hidden"):
            yield f"no label: {one.attributes}"


def _names(page: Node) -> Iterator[str]:
    yield from (f"<{one.tag}> says nothing" for one in page.all("a", "button", "summary", "th") if not one.text)
    yield from ("picture without alt" for one in page.all("img") if "alt" not in one.attributes)
    reached = [one for one in page.all() if one.attributes.get("tabindex") == "0"]
    yield from (f"<{one.tag}> is reached and has no name" for one in reached if not _has_name(one))


def _has_name(one: Node) -> bool:
    return any(one.attributes.get(name) for name in NAMED_BY)


def _landmarks(page: Node) -> Iterator[str]:
    """Parts that a reader jumps to have names of their own (axe: landmark-unique); menus show one at a time."""
    named = [one.attributes.get("aria-label") for one in page.all() if one.attributes.get("role") == "region"]
    yield from (f"two regions are called {one}" for one in sorted({str(one) for one in named if named.count(one) > 1}))


def _policy(page: Node) -> Iterator[str]:
    for one in page.all():
        if one.tag in ("style", "script") or any(name == "style" or name.startswith("on") for name in one.attributes):
            yield f"<{one.tag}> with a style or script of its own"


def _tables(page: Node) -> Iterator[str]:
    for table in page.all("table"):
        heads = list(table.first("thead").all("th"))
        yield from (f"head without scope: {one.text}" for one in heads if one.attributes.get("scope") != "col")
        rows = [row for body in table.children if body.tag == "tbody" for row in body.children]
        uneven = [len(row.children) for row in rows if len(row.children) != len(heads)]
        yield from (f"{cells} cells under {len(heads)} heads" for cells in uneven)


def _lists(page: Node) -> Iterator[str]:
    for one in page.all("ul", "ol"):
        yield from (f"<{child.tag}> in <{one.tag}>" for child in one.children if child.tag != "li")
    for one in page.all("dl"):
        if any([child.tag for child in part.children] != ["dt", "dd"] for part in one.children):
            yield "a list of facts with something else"


CHECKS = (_frame, _references, _headings, _labels, _names, _landmarks, _policy, _tables, _lists)
