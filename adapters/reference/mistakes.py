"""Mistakes in a file that a person wrote: the place and what was expected there, without what stands in it."""

from __future__ import annotations

import re

_GIVEN = re.compile(r"^(Invalid (?:enum )?value) .*?(?= - at `[^`]*`(?: in `[^`]*`)?$|$)", re.DOTALL)
"""A value of the file, as msgspec says it (`Invalid enum value 'moon' - at …`)."""


def mistake(error: Exception) -> str:
    """The sentence of a reader (`msgspec.DecodeError`, `UnicodeDecodeError`, `OSError`) without values of the file."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return f"expected UTF-8, got another byte at {error.start}"
    return _GIVEN.sub(r"\1", str(error))
