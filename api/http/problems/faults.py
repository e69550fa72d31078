"""Faults of a payload or a query in our own words: a pointer, a code and a sentence in both languages.

pydantic's own messages are left behind, because some of them repeat the input. Only limits that come from the schema
are named. A member that nobody knows is reported at its parent: its name is the caller's text, too. A parameter is
named if its name is a word: addresses are written by programs, and somebody looks for the slip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from api.http.problems.problem import Fault

_WHOLE = ("not_whole_number", "must be a whole number", "须为整数")
_DATE = ("not_a_date", "must be a date, YYYY-MM-DD", "须为日期，格式 YYYY-MM-DD")
_OBJECT = ("not_an_object", "must be an object", "须为对象")
_OTHERWISE = ("invalid", "does not fit", "不符合要求")
_SENTENCES: dict[str, tuple[str, str, str]] = {
    "missing": ("missing", "is needed", "为必填项"),
    "extra_forbidden": ("unknown_member", "holds a member that is not known", "包含未知成员"),
    "unknown_parameter": ("unknown_member", "is no parameter of this address", "不是该地址的参数"),
    "crowded": ("too_many", "must have at most {max_length} parameters", "最多 {max_length} 个参数"),
    "too_many_members": (
        "too_many",
        "must have at most {max_length} members and items in all",
        "成员与元素合计最多 {max_length} 个",
    ),
    "json_invalid": ("not_json", "is not JSON", "不是 JSON"),
    "string_type": ("not_text", "must be a text", "须为文本"),
    "string_too_short": ("too_short", "must have at least {min_length} characters", "至少 {min_length} 个字符"),
    "string_too_long": ("too_long", "must have at most {max_length} characters", "最多 {max_length} 个字符"),
    "string_pattern_mismatch": ("pattern", "must match {pattern}", "须匹配 {pattern}"),
    "text_not_nfc": ("not_nfc", "must be in Unicode Normalization Form C", "须为 Unicode NFC 形式"),
    "not_storable": (
        "not_storable",
        "must be Unicode text without the character U+0000",
        "须为不含 U+0000 的 Unicode 文本",
    ),
    "identifier": ("identifier", "must be an identifier of the documented form", "须为文档规定格式的标识符"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": ("too_large", "must be a smaller number", "数值过大"),
    "greater_than_equal": ("too_small", "must be at least {ge}", "不得小于 {ge}"),
    "less_than_equal": ("too_large", "must be at most {le}", "不得大于 {le}"),
    "enum": ("not_one_of", "must be one of {expected}", "须为 {expected} 之一"),
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "too_short": ("too_few", "must have at least {min_length} items", "至少 {min_length} 项"),
    "too_long": ("too_many", "must have at most {max_length} items", "最多 {max_length} 项"),
    "tuple_type": ("not_an_array", "must be an array", "须为数组"),
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "time": ("not_an_instant", "must be an RFC 3339 date-time with an offset", "须为带时区的 RFC 3339 时间"),
    "conflict": ("conflict", "excludes another parameter that was given", "与另一参数互斥"),
    "repeated": ("repeated", "is given more than once", "重复出现"),
}
"""Our code and words for each of the validator's error types and for our own checks."""

CODES = tuple(sorted({code for code, _, _ in [*_SENTENCES.values(), _OTHERWISE]}))
"""Every code that a fault can have; they stay when the validator's names change."""

FAULTS_MAX = 50
"""Faults that one problem lists; whoever has more of them mends those first."""

_TELLABLE = re.compile(r"[A-Za-z][A-Za-z_]{0,31}")
"""Names of parameters that are said again: words, in which no number of a person stands."""

_PARENT_ONLY = frozenset({"extra_forbidden"})
_SAFE_CONTEXT = ("min_length", "max_length", "pattern", "ge", "le", "expected")


def fault(pointer: str, kind: str, context: Mapping[str, object] | None = None) -> Fault:
    """One fault of an error type; `context` holds the schema's limits that the sentence names."""
    code, en, zh = _SENTENCES.get(kind, _OTHERWISE)
    known = {name: str((context or {}).get(name, "")).replace(" or ", ", ") for name in _SAFE_CONTEXT}
    return Fault(pointer, code, en.format_map(known), zh.format_map(known))


def faults_of(errors: Iterable[Mapping[str, Any]], skip: int = 0) -> tuple[Fault, ...]:
    """pydantic's errors as faults; `skip` leaves out leading parts of the location (`query`, `body`)."""
    return tuple(_one(error, skip) for error in islice(errors, FAULTS_MAX))


def without_echoes(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Errors but for those of lists that are too short only as long as an item of theirs does not fit."""
    beneath = {tuple(error["loc"][:depth]) for error in errors for depth in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or tuple(error["loc"]) not in beneath]


def more_than(count: int) -> dict[str, str]:
    """The fact that says how many faults are not listed, if any."""
    return {"more_faults": str(count - FAULTS_MAX)} if count > FAULTS_MAX else {}


def unknown_parameters(names: Iterable[str]) -> list[Fault]:
    """Parameters of a query that nobody knows: each by its name if that is a word, else without it."""
    pointers = {f"/{name}" if _TELLABLE.fullmatch(name) else "" for name in names}
    return [fault(pointer, "unknown_parameter") for pointer in sorted(pointers)]


def _one(error: Mapping[str, Any], skip: int) -> Fault:
    path = list(error["loc"])[skip:]
    if error["type"] in _PARENT_ONLY:
        path = path[:-1]
    return fault(pointer_to(path), error["type"], error.get("ctx"))


def pointer_to(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901); the whole document is the empty one."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
