"""Faults of a payload or a query in our own words: a pointer, a code and a sentence in both languages.

pydantic's own messages are left behind, because some of them repeat the input. Only limits that come from the schema
are named. A member that nobody knows is reported at its parent: its name is the caller's text, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.http.problems import Fault

_SENTENCES: dict[str, tuple[str, str]] = {
    "missing": ("is needed", "为必填项"),
    "extra_forbidden": ("holds a member that is not known", "包含未知成员"),
    "json_invalid": ("is not JSON", "不是 JSON"),
    "string_type": ("must be a text", "须为文本"),
    "string_too_short": ("must have at least {min_length} characters", "至少 {min_length} 个字符"),
    "string_too_long": ("must have at most {max_length} characters", "最多 {max_length} 个字符"),
    "string_pattern_mismatch": ("must match {pattern}", "须匹配 {pattern}"),
    "text_not_nfc": ("must be in Unicode Normalization Form C", "须为 Unicode NFC 形式"),
    "identifier": ("must be an identifier of the documented form", "须为文档规定格式的标识符"),
    "int_type": ("must be a whole number", "须为整数"),
    "int_parsing": ("must be a whole number", "须为整数"),
    "int_from_float": ("must be a whole number", "须为整数"),
    "int_parsing_size": ("must be a smaller number", "数值过大"),
    "greater_than_equal": ("must be at least {ge}", "不得小于 {ge}"),
    "less_than_equal": ("must be at most {le}", "不得大于 {le}"),
    "enum": ("must be one of {expected}", "须为 {expected} 之一"),
    "date_type": ("must be a date, YYYY-MM-DD", "须为日期，格式 YYYY-MM-DD"),
    "date_from_datetime_parsing": ("must be a date, YYYY-MM-DD", "须为日期，格式 YYYY-MM-DD"),
    "too_short": ("must have at least {min_length} items", "至少 {min_length} 项"),
    "too_long": ("must have at most {max_length} items", "最多 {max_length} 项"),
    "tuple_type": ("must be an array", "须为数组"),
    "model_type": ("must be an object", "须为对象"),
    "model_attributes_type": ("must be an object", "须为对象"),
    "time": ("must be an RFC 3339 date-time with an offset", "须为带时区的 RFC 3339 时间"),
    "conflict": ("excludes another parameter that was given", "与另一参数互斥"),
    "repeated": ("is given more than once", "重复出现"),
}
_OTHERWISE = ("does not fit", "不符合要求")
_PARENT_ONLY = frozenset({"extra_forbidden"})
_SAFE_CONTEXT = ("min_length", "max_length", "pattern", "ge", "le", "expected")


def fault(pointer: str, code: str, context: Mapping[str, object] | None = None) -> Fault:
    """One fault; `context` holds the schema's limits that the sentence names."""
    en, zh = _SENTENCES.get(code, _OTHERWISE)
    known = {name: str((context or {}).get(name, "")).replace(" or ", ", ") for name in _SAFE_CONTEXT}
    return Fault(pointer, code if code in _SENTENCES else "invalid", en.format_map(known), zh.format_map(known))


def faults_of(errors: Iterable[Mapping[str, Any]], skip: int = 0) -> tuple[Fault, ...]:
    """pydantic's errors as faults; `skip` leaves out leading parts of the location (`query`, `body`)."""
    return tuple(_one(error, skip) for error in errors)


def _one(error: Mapping[str, Any], skip: int) -> Fault:
    path = list(error["loc"])[skip:]
    if error["type"] in _PARENT_ONLY:
        path = path[:-1]
    return fault(pointer_to(path), error["type"], error.get("ctx"))


def pointer_to(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901); the whole document is the empty one."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
