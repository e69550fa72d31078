"""Each rule rejects a sample that breaks it and nothing else, and accepts one that keeps it."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from tests.tidy import rules, texts

LONG = "def f() -> None:\n" + "    x = 1\n" * rules.FUNCTION_MAX_LINES
SCREENFUL = "def f() -> None:\n" + "    x = 1\n" * (rules.FUNCTION_MAX_LINES - 1)
EIGHT_BRANCHES = "def f(x: int) -> int:\n" + "    if x:\n        x += 1\n" * 8 + "    return x\n"
SEVEN_BRANCHES = "def f(x: int) -> int:\n" + "    if x:\n        x += 1\n" * 7 + "    return x\n"
LOOPS = """
def f(x: int) -> int:
    for a in range(x):
        while a:
            try:
                x += sum(b for b in range(a))
            except ValueError:
                x = 1 if x else 2
            match x:
                case 1:
                    x = 3
                case 2:
                    x = 4
    return x
"""

BAD: list[tuple[rules.Rule, str, str]] = [
    (rules.long_function, LONG, "51 lines"),
    (rules.complex_function, EIGHT_BRANCHES, "complexity 9"),
    (rules.unannotated, "def f(a: int, b) -> None: ...", "parameter b"),
    (rules.unannotated, "def f(*a, **b) -> None: ...", "parameter a"),
    (rules.unannotated, "class C:\n    async def f(self): ...", "no result type"),
    (rules.no_future_annotations, '"""Text."""\nimport os', "missing"),
    (rules.no_module_docstring, "X = 1", "no docstring"),
    (rules.no_module_docstring, '"""  """\nX = 1', "no docstring"),
    (rules.no_public_docstring, "def f() -> None: ...", "f has"),
    (rules.no_public_docstring, "class C:\n    '''C.'''\n    def f(self) -> None: ...", "f has"),
    (rules.no_public_docstring, "class C: ...", "C has"),
    (rules.prints, "def f() -> None:\n    print(1)", "print()"),
    (rules.reads_clock, "import datetime\nx = datetime.datetime.now(datetime.UTC)", "datetime.now"),
    (rules.reads_clock, "from datetime import date\nx = date.today", "date.today"),
    (rules.reads_clock, "import time\nx = time.monotonic()", "monotonic"),
    (rules.reads_clock, "from time import time as t", "hide a clock"),
    (rules.draws_lots, "import random", "random"),
    (rules.draws_lots, "from secrets import token_bytes", "secrets"),
    (rules.draws_lots, "import os\nx = os.urandom(8)", "os.urandom"),
    (rules.draws_lots, "import uuid\nx = uuid.uuid4()", "uuid4"),
    (rules.draws_lots, "from uuid import uuid4\nx = uuid4()", "uuid4"),
    (rules.draws_lots, "x = Ed25519PrivateKey.generate()", "generate"),
    (rules.uses_float, "x = 0.5", "0.5"),
    (rules.uses_float, "def f(x: float) -> None: ...", "float"),
    (rules.uses_float, "x = 7 / 2", "true division"),
    (rules.uses_float, "x = 7\nx /= 2", "true division"),
    (rules.imports_outside(rules.DOMAIN_MODULES), "import os", "os"),
    (
        rules.imports_outside(rules.DOMAIN_MODULES),
        "def f() -> None:\n    from pathlib import Path",
        "pathlib",
    ),
    (rules.imports_outside(rules.DOMAIN_MODULES), "from . import kernel", "relative"),
    (
        rules.imports_outside(rules.DOMAIN_MODULES),
        "from eventsourcing.domain import Aggregate",
        "eventsourcing",
    ),
    (rules.imports_outside(rules.CHAIN_MODULES), "import psycopg", "psycopg"),
    (rules.imports_outside(rules.VERIFIER_MODULES), "from chain.merkle import leaf_hash", "chain"),
    (rules.imports_outside(rules.VERIFIER_MODULES), "import msgspec", "msgspec"),
    (rules.declares_refusal, 'LATE = refusal("toy.late", "Too late", "太迟")', "declared"),
    (rules.cannot_fail, "def test_it() -> None:\n    run()", "cannot fail"),
    (rules.cannot_fail, "def help() -> None:\n    run()\ndef test_it() -> None:\n    help()", "cannot fail"),
]

GOOD: list[tuple[rules.Rule, str]] = [
    (rules.long_function, SCREENFUL),
    (rules.complex_function, SEVEN_BRANCHES),
    (rules.unannotated, "class C:\n    def f(self, a: int, *b: int, c: int = 1, **d: int) -> None: ..."),
    (rules.no_future_annotations, '"""Text."""\nfrom __future__ import annotations\nimport os'),
    (rules.no_future_annotations, '"""A package."""'),
    (rules.no_module_docstring, '"""What it is."""'),
    (rules.no_public_docstring, "def _f() -> None: ...\nclass _C:\n    def f(self) -> None: ..."),
    (rules.no_public_docstring, "class C:\n    '''C.'''\n    @override\n    def f(self) -> None: ..."),
    (rules.no_public_docstring, "def f() -> None:\n    '''F.'''\n    def inner() -> None: ..."),
    (rules.prints, "console.print(1)"),
    (rules.reads_clock, "from datetime import datetime\nx = datetime.fromisoformat('2026-01-01T00:00:00Z')"),
    (rules.draws_lots, "import uuid\nx = uuid.uuid5(uuid.NAMESPACE_URL, 'a')"),
    (rules.draws_lots, "from hypothesis import strategies\nx = generate(3)"),
    (rules.uses_float, "x = 7 // 2\ny = divide_half_even(7, 2)"),
    (
        rules.imports_outside(rules.DOMAIN_MODULES),
        "import datetime\nfrom domain.kernel import events\nimport msgspec",
    ),
    (rules.imports_outside(rules.VERIFIER_MODULES), "import hashlib\nimport cryptography.hazmat"),
    (rules.declares_refusal, "said = LATE(day=1)"),
    (rules.cannot_fail, "def test_it() -> None:\n    assert run() == 1"),
    (rules.cannot_fail, "def test_it() -> None:\n    with pytest.raises(E):\n        run()"),
    (rules.cannot_fail, "def test_it() -> None:\n    given(1).when(2).then(3)"),
    (rules.cannot_fail, "def same() -> None:\n    assert x\ndef test_it() -> None:\n    same()"),
]

SPACES = " " * 2
BAD_TEXTS: list[tuple[texts.TextRule, str, str]] = [
    (texts.too_long, "x\n" * (texts.FILE_MAX_LINES + 1), "401 lines"),
    (texts.left_over, "# TO" + "DO later\n", "a note"),
    (texts.left_over, "// FIX" + "ME\n", "a note"),
    (texts.names_a_package_host, "https://files.python" + "hosted.org/x\n", "package host"),
    (texts.names_a_package_host, "index = https://pyp" + "i.org/simple\n", "package host"),
    (texts.names_a_machine, "see /home" + "/ann/notes\n", "path of one machine"),
    (texts.names_a_machine, "cp x /ro" + "ot/y\n", "path of one machine"),
    (texts.names_a_machine, "F=/work" + "/main\n", "path of one machine"),
    (texts.names_a_tracker, "as issue" + " 12 says\n", "tracker"),
    (texts.names_a_tracker, "see PR" + " #7\n", "tracker"),
    (texts.untidy_whitespace, "x" + SPACES + "\n", "end of the line"),
    (texts.untidy_whitespace, "x\r\n", "end of the line"),
    (texts.untidy_whitespace, "x", "exactly one newline"),
    (texts.untidy_whitespace, "x\n\n", "exactly one newline"),
]

GOOD_TEXTS: list[tuple[texts.TextRule, str]] = [
    (texts.too_long, "x\n" * texts.FILE_MAX_LINES),
    (texts.left_over, "a todo list, in prose\n"),
    (texts.names_a_package_host, "from the package index; crates of goods\n"),
    (texts.names_a_machine, "GET /work-items, GET /home, ./var/tmp, https://example.org/root/x, /rooted\n"),
    (texts.names_a_tracker, "the issue was 2 fen; RFC 6962; art. 18\n"),
    (texts.untidy_whitespace, "x\ny\n"),
    (texts.untidy_whitespace, ""),
]


@pytest.mark.parametrize(("rule", "sample", "says"), BAD)
def test_bad_sample_is_found(rule: rules.Rule, sample: str, says: str) -> None:
    """The finding names what is wrong and a line of the sample."""
    found = list(rule(ast.parse(dedent(sample))))
    assert any(says in sentence for _, sentence in found), found
    assert all(1 <= line <= sample.count("\n") + 1 for line, _ in found)


@pytest.mark.parametrize(("rule", "sample"), GOOD)
def test_good_sample_is_left_alone(rule: rules.Rule, sample: str) -> None:
    """A rule without false alarms is a rule that people keep."""
    assert list(rule(ast.parse(dedent(sample)))) == []


@pytest.mark.parametrize(("rule", "sample", "says"), BAD_TEXTS)
def test_bad_text_is_found(rule: texts.TextRule, sample: str, says: str) -> None:
    """The same for rules about text."""
    assert any(says in sentence for _, sentence in rule(sample)), list(rule(sample))


@pytest.mark.parametrize(("rule", "sample"), GOOD_TEXTS)
def test_good_text_is_left_alone(rule: texts.TextRule, sample: str) -> None:
    """The same for rules about text."""
    assert list(rule(sample)) == []


def test_every_kind_of_branch_counts() -> None:
    """for, while, comprehension, except, if-else and two cases: one each, and one to start with."""
    (function,) = rules.functions(ast.parse(LOOPS))
    assert rules.complexity_of(function) == 8


def test_nested_function_counts_for_itself() -> None:
    """An inner function is measured, and its branches do not weigh on the outer one."""
    outer, inner = rules.functions(
        ast.parse("def a() -> None:\n    if x:\n        def b() -> None:\n            if y:\n                z()")
    )
    assert (rules.complexity_of(outer), rules.complexity_of(inner)) == (2, 2)


def test_decorators_belong_to_the_length() -> None:
    """Twelve stacked decorators are twelve lines to read."""
    (function,) = rules.functions(ast.parse("@a\n@b\ndef f() -> None:\n    pass"))
    assert rules.lines_of(function) == 4


def test_every_rule_has_a_bad_and_a_good_sample() -> None:
    """A rule that was never seen red proves nothing."""
    public = {
        rule
        for rule in vars(rules).values()
        if getattr(rule, "__annotations__", {}).get("return") == "Iterator[Finding]"
    }
    assert public
    assert public <= {rule for rule, _, _ in BAD}
    assert public <= {rule for rule, _ in GOOD}


def _is_rule(thing: object) -> bool:
    return getattr(thing, "__annotations__", {}).get("return") == "Iterator[Finding]"
