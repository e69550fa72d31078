"""The rules, applied to every file of the checkout. A finding reads `path:line: what is wrong`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.tidy import checkout, rules, texts

PURE = ("domain", "chain", "projections")

# Lock files are written by tools, licences by lawyers, ledgers of numbers by programs.
NOT_OURS = frozenset({"LICENSE", "requirements.lock"})
PROSE = frozenset({".md", ".po", ".json", ".txt", ".html", ".css", ".js", ".svg", ".csv"})


def findings(rule: rules.Rule, paths: Iterable[Path]) -> list[str]:
    """All findings of one rule in the files, as sentences to read."""
    return [f"{path}:{line}: {text}" for path in paths for line, text in rule(checkout.tree_of(path))]


def text_findings(rule: texts.TextRule, paths: Iterable[Path]) -> list[str]:
    """The same for a rule about text; files that are not text have nothing to say."""
    pairs = ((path, checkout.text_of(path)) for path in paths)
    return [f"{path}:{line}: {said}" for path, text in pairs if text is not None for line, said in rule(text)]


def check_none(found: list[str]) -> None:
    """Assert that nothing was found; show all of it otherwise."""
    assert not found, "\n" + "\n".join(found)


def ours() -> list[Path]:
    """Every tracked file that was written for this project."""
    return [path for path in checkout.files() if path.name not in NOT_OURS]


@pytest.mark.parametrize(
    "rule",
    [
        rules.long_function,
        rules.complex_function,
        rules.unannotated,
        rules.no_future_annotations,
        rules.no_module_docstring,
        rules.prints,
    ],
)
def test_all_code(rule: rules.Rule) -> None:
    """Tests and benchmarks keep the same house rules as the program."""
    check_none(findings(rule, checkout.python_files()))


def test_public_names_are_documented() -> None:
    """Whoever calls it need not read it."""
    check_none(findings(rules.no_public_docstring, checkout.python_files(*checkout.PACKAGES)))


@pytest.mark.parametrize("rule", [rules.reads_clock, rules.draws_lots])
def test_no_clock_and_no_randomness_in_pure_code(rule: rules.Rule) -> None:
    """Replay gives the same answer in ten years only if time and chance come from outside."""
    check_none(findings(rule, checkout.python_files(*PURE)))


def test_no_float_in_the_domain() -> None:
    """Money is integer fen, and every division names its rounding."""
    check_none(findings(rules.uses_float, checkout.python_files("domain")))


def test_domain_imports_values_only() -> None:
    """Neither input nor output, no framework: msgspec and the quiet part of the library; the registry finds modules."""
    registry = [path for path in checkout.python_files("domain") if path.name == "registry.py"]
    others = [path for path in checkout.python_files("domain") if path not in registry]
    check_none(findings(rules.imports_outside(rules.DOMAIN_MODULES), others))
    check_none(findings(rules.imports_outside(rules.DOMAIN_MODULES | {"importlib", "pkgutil"}), registry))


def test_every_program_knows_the_words_of_every_refusal() -> None:
    """One that a single program declares is a bare code in lists, pages and descriptions of the others."""
    others = [path for path in checkout.python_files(*checkout.PACKAGES) if path.parts[0] != "domain"]
    check_none(findings(rules.declares_refusal, others))


def test_chain_imports_format_code_only() -> None:
    """The standard library, msgspec and cryptography."""
    check_none(findings(rules.imports_outside(rules.CHAIN_MODULES), checkout.python_files("chain")))


def test_verifier_stands_alone() -> None:
    """An auditor copies one file and needs nothing else of ours."""
    verifier = [path for path in checkout.python_files("chain") if path.name == "verify.py"]
    check_none(findings(rules.imports_outside(rules.VERIFIER_MODULES), verifier))


def test_tests_can_fail() -> None:
    """Every test function asserts something."""
    tests = [path for path in checkout.python_files("tests") if path.name.startswith("test_")]
    assert tests
    check_none(findings(rules.cannot_fail, tests))


@pytest.mark.parametrize(
    "rule",
    [
        texts.left_over,
        texts.names_a_package_host,
        texts.names_a_machine,
        texts.names_a_tracker,
        texts.untidy_whitespace,
    ],
)
def test_all_text(rule: texts.TextRule) -> None:
    """Nothing unfinished, nothing of one machine, in any file of ours."""
    check_none(text_findings(rule, ours()))


def test_files_are_short() -> None:
    """Code, SQL and configuration alike; prose and data may be longer."""
    check_none(text_findings(texts.too_long, [path for path in ours() if path.suffix not in PROSE]))


def test_lock_names_no_host() -> None:
    """The lock says what and with which hash; where from is the machine's own configuration."""
    lock = (checkout.ROOT / "requirements.lock").read_text("utf-8")
    assert list(texts.names_a_package_host(lock)) == []
    assert "://" not in lock
    assert not [line for line in lock.splitlines() if line.startswith("-")]


def test_every_package_is_there() -> None:
    """An empty tree would pass every rule."""
    assert [name for name in checkout.PACKAGES if not checkout.python_files(name)] == []
