"""The rules of STYLE.md that a machine can check, as functions from a syntax tree to findings.

Each rule takes one parsed module and yields `(line, sentence)`; nothing here reads a file. `test_rules.py`
shows every rule a sample that it must reject, `test_tree.py` applies the rules to the checkout.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator

from tests.tidy import ratchet

FUNCTION_MAX_LINES = ratchet.limit("function_lines")
FUNCTION_MAX_COMPLEXITY = ratchet.limit("function_complexity")

Finding = tuple[int, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[ast.Module], Iterator[Finding]]

BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
    ast.match_case,
)

CLOCK_CALLS = frozenset(
    {
        *("date.today", "datetime.now", "datetime.today", "datetime.utcnow"),
        *("time.gmtime", "time.localtime", "time.time", "time.time_ns", "time.process_time"),
        *("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
    }
)
CHANCE_CALLS = frozenset({"os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4", "urandom"})
CHANCE_MODULES = frozenset({"random", "secrets"})
KEY_MAKERS = frozenset({"generate", "generate_key", "generate_private_key"})

# The part of the standard library that a pure domain may use: values, types, text and arithmetic.
DOMAIN_MODULES = frozenset(
    {
        *("__future__", "abc", "bisect", "calendar", "collections", "contextlib", "copy", "dataclasses"),
        *("datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json"),
        *("math", "operator", "re", "string", "types", "typing", "unicodedata", "uuid", "zlib", "zoneinfo"),
        *("domain", "msgspec"),
    }
)
CHAIN_MODULES = frozenset(sys.stdlib_module_names) | {"chain", "cryptography", "domain", "msgspec"}
VERIFIER_MODULES = frozenset(sys.stdlib_module_names) | {"cryptography"}

ASSERTING_CALL = re.compile(r"(?:^|_)(?:assert|check|expect|raises|refuse|then|verify|warns|fail)", re.IGNORECASE)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every `def` of a module: functions, methods and the functions inside them."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def dotted(node: ast.expr) -> str:
    """`datetime.datetime.now` for such an attribute chain; the empty text for what is not made of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`(line, module)` of each import of a module, wherever it stands; relative ones as the empty text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "" if node.level else (node.module or "")


def lines_of(function: Function) -> int:
    """Lines from the first decorator to the last statement."""
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return (function.end_lineno or function.lineno) - first + 1


def complexity_of(function: Function) -> int:
    """McCabe's count: one, and one more for each branch; a nested function counts for itself only."""
    count, waiting = 1, list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function):
            continue
        count += isinstance(node, BRANCHES)
        waiting.extend(ast.iter_child_nodes(node))
    return count


def long_function(tree: ast.Module) -> Iterator[Finding]:
    """A function fits on a screen."""
    for function in functions(tree):
        if (length := lines_of(function)) > FUNCTION_MAX_LINES:
            yield function.lineno, f"{function.name} has {length} lines, at most {FUNCTION_MAX_LINES}"


def complex_function(tree: ast.Module) -> Iterator[Finding]:
    """A function has few ways through."""
    for function in functions(tree):
        if (count := complexity_of(function)) > FUNCTION_MAX_COMPLEXITY:
            yield (
                function.lineno,
                f"{function.name} has complexity {count}, at most {FUNCTION_MAX_COMPLEXITY}",
            )


def unannotated(tree: ast.Module) -> Iterator[Finding]:
    """Every parameter and every result has a type."""
    for function in functions(tree):
        given = function.args
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        for argument in named:
            if argument and argument.annotation is None and argument.arg not in {"self", "cls"}:
                yield function.lineno, f"{function.name}: parameter {argument.arg} has no type"
        if function.returns is None:
            yield function.lineno, f"{function.name} has no result type"


def no_future_annotations(tree: ast.Module) -> Iterator[Finding]:
    """Every module postpones its annotations, so that types never cost an import cycle."""
    code = [node for node in tree.body if not _is_text(node)]
    if code and not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in code):
        yield 1, "`from __future__ import annotations` is missing"


def no_module_docstring(tree: ast.Module) -> Iterator[Finding]:
    """The first line of a file says what it is."""
    if not (ast.get_docstring(tree) or "").strip():
        yield 1, "the module has no docstring"


def no_public_docstring(tree: ast.Module) -> Iterator[Finding]:
    """What others may call says what it takes, gives and raises."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not _inherits_docstring(node):
            yield node.lineno, f"{node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            waiting.extend(node.body)


def _inherits_docstring(node: ast.ClassDef | Function) -> bool:
    marks = [dotted(mark.func if isinstance(mark, ast.Call) else mark) for mark in node.decorator_list]
    return any(mark.rpartition(".")[2] in {"override", "overload", "setter"} for mark in marks)


def prints(tree: ast.Module) -> Iterator[Finding]:
    """Output goes through the command line's console, so that `--json` stays JSON."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "print":
            yield node.lineno, "print() is not how this program speaks"


def reads_clock(tree: ast.Module) -> Iterator[Finding]:
    """Time is an argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _tail(dotted(node), 2) in CLOCK_CALLS:
            yield node.lineno, f"{dotted(node)} reads the clock; take the time as an argument"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield node.lineno, "names out of `time` hide a clock; take the time as an argument"


def draws_lots(tree: ast.Module) -> Iterator[Finding]:
    """Randomness is an argument, and so is a fresh key."""
    for line, module in imports(tree):
        if module.partition(".")[0] in CHANCE_MODULES:
            yield line, f"import of {module}; take randomness as an argument"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if _tail(name, 2) in CHANCE_CALLS or ("." in name and _tail(name, 1) in KEY_MAKERS):
                yield node.lineno, f"{name}() draws random bytes; take them as an argument"


def uses_float(tree: ast.Module) -> Iterator[Finding]:
    """Money is integer fen and rates are decimal text: no float literal, no `float`, no true division."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"float literal {node.value}"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "the type float"
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield node.lineno, "true division; name the rounding (`//`, or a function of the money module)"


def imports_outside(allowed: frozenset[str]) -> Rule:
    """The rule that a module imports nothing but the packages of `allowed`, and nothing relatively."""

    def foreign_import(tree: ast.Module) -> Iterator[Finding]:
        for line, module in imports(tree):
            if module.partition(".")[0] not in allowed:
                yield line, f"import of {module or 'a relative module'}"

    return foreign_import


def declares_refusal(tree: ast.Module) -> Iterator[Finding]:
    """Refusals are declared in the domain: whoever shows one has read all of that, and knows its words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in ("refusal", "RefusalKind"):
            yield node.lineno, "a refusal is declared; those of the domain alone are known to every program"


def cannot_fail(tree: ast.Module) -> Iterator[Finding]:
    """A test asserts something, itself or through a helper of its module."""
    bodies = {function.name: function for function in functions(tree)}
    sure = {name for name, function in bodies.items() if _asserts(function)}
    grew = True
    while grew:
        more = {name for name, function in bodies.items() if name not in sure and _calls(function) & sure}
        sure, grew = sure | more, bool(more)
    for name, function in bodies.items():
        if name.startswith("test") and name not in sure:
            yield function.lineno, f"{name} asserts nothing and cannot fail"


def _asserts(function: Function) -> bool:
    return any(isinstance(node, (ast.Assert, ast.Raise)) for node in ast.walk(function)) or any(
        ASSERTING_CALL.search(name) for name in _calls(function)
    )


def _calls(function: Function) -> set[str]:
    called = {node.func for node in ast.walk(function) if isinstance(node, ast.Call)}
    return {node.attr if isinstance(node, ast.Attribute) else dotted(node) for node in called}


def _tail(name: str, words: int) -> str:
    return ".".join(name.split(".")[-words:])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
