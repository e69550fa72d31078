"""The two Base64 alphabets of the published formats (RFC 4648 §4 and §5), strict in both directions."""

from __future__ import annotations

import binascii


class Base64Error(ValueError):
    """Text that is not the canonical Base64 of anything."""


def b64encode(data: bytes) -> bytes:
    """Standard alphabet with padding."""
    return binascii.b2a_base64(data, newline=False)


def b64decode(text: bytes | str) -> bytes:
    """Standard alphabet, padded, canonical; raises `Base64Error` for anything else."""
    raw = text.encode() if isinstance(text, str) else text
    try:
        data = binascii.a2b_base64(raw, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Base64Error(f"expected standard Base64, got {raw[:40]!r}: {error}") from None
    if b64encode(data) != raw:
        raise Base64Error(f"expected canonical Base64 {b64encode(data)[:40]!r}, got {raw[:40]!r}")
    return data


def b64url(data: bytes) -> str:
    """URL-safe alphabet without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=\n").translate(_TO_URL).decode()


_TO_URL = bytes.maketrans(b"+/", b"-_")
