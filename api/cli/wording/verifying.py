"""Reports of the stand-alone verifier, told again in the reader's language: the verifier speaks English.

verdict, what was checked, key, expected, got ─▶ five lines, or one object
"""

from __future__ import annotations

from msgspec import Struct

from api.cli.wording.retelling import matched
from api.cli.wording.words import padded
from api.language import Language, current, message, text, text_in

FORMS = (
    message("entry {position} of {size} in {origin} (index {index})"),
    message("{origin} only grew, from {before} to {after} entries"),
    message("entries and tiles of {origin}, {size} entries"),
    message("tiles WITHOUT entries of {origin}, {size} entries"),
    message("hash {slot} of tile {index} on level {level}"),
    message("tile {index} on level {level}"),
    message("entry bundle {index}"),
    message("entry index"),
    message("key id of the verifier key"),
    message("verifier key"),
    message("public key"),
    message("signer of the checkpoint"),
    message("signature by {name}"),
    message("signature line"),
    message("signature"),
    message("size of the note"),
    message("size of the older checkpoint"),
    message("origin of the checkpoint"),
    message("root of the empty tree"),
    message("hashes of the consistency proof"),
    message("hashes of the proof"),
    message("size of {path}"),
    message("checkpoint"),
    message("extra data"),
    message("hashes"),
    message("hash"),
    message("note"),
    message("proof"),
    message("root"),
    message("below the tree size {size}"),
    message("at most {size} bytes"),
    message("at most {size}"),
    message("more than {size} bytes"),
    message("type 1 (Ed25519) and 32 bytes"),
    message("text, a blank line, 1 to {lines} signature lines"),
    message("one over this checkpoint"),
    message("three lines: origin, size, root"),
    message("the tlog-proof format"),
    message("up to {lines} lines of one hash each"),
    message("canonical Base64"),
    message("{count} whole entries"),
    message("{count} hashes"),
    message("{count} bytes"),
    message("{reason} at byte {place}"),
    message("a readable file"),
    message("a regular file"),
    message("something else"),
    message("a point of large order, in its one form"),
    message("No such file or directory"),
    message("Permission denied"),
    message("Is a directory"),
    message("fewer"),
    message("more"),
    message("none"),
)
"""What `chain/verify.py` says, in the order in which its sentences are compared with it."""

CODES = ("verified", "not_verified", "unusable_input")
"""By exit status."""

AGREES_WITH_ITSELF = "agrees_with_itself"
"""In place of "verified" where nobody gave the key."""

_VERDICTS = (message("VERIFIED"), message("NOT VERIFIED"), message("UNUSABLE INPUT"))
_AGREES = message("AGREES WITH ITSELF, NOT VERIFIED")


VERIFY = ("verify",)
"""The context of words in a report: its proof is no receipt."""

_COLUMNS = 9


class Report(Struct, frozen=True, kw_only=True):
    """A check's result: exit status 0, 1 or 2; texts as the verifier says them; whether the reader gave the key."""

    status: int
    checked: str
    key: str
    key_given: bool
    expected: str
    got: str

    def data(self) -> dict[str, object]:
        """The report as data, the same in every language."""
        return {
            "ok": self.status == 0 and self.key_given,
            "verdict": CODES[self.status] if self._verified_or_refused else AGREES_WITH_ITSELF,
            "checked": self.checked,
            "key": self.key,
            "key_given": self.key_given,
            "expected": self.expected,
            "got": self.got,
        }

    @property
    def _verified_or_refused(self) -> bool:
        return self.key_given or self.status != 0

    def lines(self) -> list[str]:
        """The report as five lines: in English those of the verifier itself."""
        from chain import verify

        given = message("given by you"), message("only claimed by the folder itself: compare it with yours")
        whose = text(given[0] if self.key_given else given[1])
        english, form = verify.AGREES_WITH_ITSELF, _AGREES
        if self._verified_or_refused:
            english, form = verify.VERDICTS[self.status], _VERDICTS[self.status]
        verdict = english if current() is Language.EN else text(form)
        rows = (
            (message("checked"), told(self.checked)),
            (message("key"), text("{key} ({whose})", key=told(self.key), whose=whose)),
            (message("expected"), told(self.expected)),
            (message("got"), told(self.got)),
        )
        return [verdict, *(f"{padded(text_in(VERIFY, name), _COLUMNS)} {value}" for name, value in rows)]


def told(sentence: str) -> str:
    """A text of the verifier in the reader's language; any other stays as it is."""
    # Parts are others' names and files: they stay as they are.
    if current() is Language.EN or (found := matched(sentence, FORMS)) is None:
        return sentence
    form, parts = found
    return text_in(VERIFY, form).format(**parts)
