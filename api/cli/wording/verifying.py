"""Help of `verify` in the reader's language: the stand-alone verifier has nothing but Python, and speaks English.

leaseledger verify                       every check, with what its files are
leaseledger verify proof --help          one of them
"""

from __future__ import annotations

from collections.abc import Sequence

from api.cli.wording.usage import Formatter
from api.language import Language, current, message, text

CHECKS: dict[str, tuple[str, str]] = {
    "proof": (
        "--vkey VKEY ENTRY FILE",
        message("A tlog-proof file shows that the entry's exact bytes are in the log."),
    ),
    "consistency": (
        "--vkey VKEY OLD NEW FILE",
        message("The newer checkpoint's log begins with the older one's; the file has one Base64 hash a line."),
    ),
    "tiles": (
        "[--vkey VKEY] FOLDER",
        message("Every tile is the hash of what is below it, down to the entries, and all lead to the signed root."),
    ),
    "hashes": ("[--vkey VKEY] FOLDER", message("Like `tiles`, for a folder that has no entries.")),
}
"""Each check of `chain/verify.py`: its arguments, and what it shows."""

WIDTH = 100
_HELP = frozenset({"-h", "--help"})


def help_of_verify(arguments: Sequence[str], program: str) -> str | None:
    """The help that a command line asks for; `None` where none is asked for, or the verifier's own is the reader's."""
    if current() is Language.EN or (arguments and not _HELP.intersection(arguments)):
        return None
    chosen = [name for name in arguments if name in CHECKS][:1] or list(CHECKS)
    formatter = Formatter(width=WIDTH)
    if len(chosen) == 1:
        formatter.write_usage(f"{program} verify {chosen[0]}", CHECKS[chosen[0]][0])
        formatter.write(f"\n{text(CHECKS[chosen[0]][1])}\n")
    else:
        formatter.write_usage(f"{program} verify", f"{{{','.join(CHECKS)}}} …")
        formatter.write("\n")
        formatter.write_dl([(f"{name} {CHECKS[name][0]}", text(CHECKS[name][1])) for name in chosen], col_max=40)
    formatter.write("\n" + text("--vkey: the log's key, as you know it.") + "\n")
    formatter.write(text("Exit status: 0 verified, 1 not verified, 2 unusable input.") + "\n")
    return formatter.getvalue()
