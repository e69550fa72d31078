"""Stand-alone verifier of a log: this one file, Python from 3.8 on and its standard library, nothing else.

    python verify.py proof --vkey KEY [--origin LOG] ENTRY_FILE PROOF_FILE
    python verify.py consistency --vkey KEY [--origin LOG] OLD_CHECKPOINT NEW_CHECKPOINT HASHES_FILE
    python verify.py tiles|hashes --vkey KEY|--claimed-key [--origin LOG] FOLDER

Exit status: 0 verified, 1 not verified, 2 unusable input or nowhere to write to. Always five lines: verdict, what was
checked, whose key, expected, got. The key's name is the log's, unless another is given. --claimed-key takes the key
that FOLDER brings along: then FOLDER agrees with itself, no more is said. Formats: RFC 6962, 9162, 8032, C2SP notes.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", sys.flags.isolated):
    # Files that lie beside this one must not be able to stand in for the modules it imports.
    sys.path.pop(0)

import argparse
import binascii
import re
from functools import reduce
from hashlib import sha256, sha512
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Outcome = tuple[str, tuple[bytes, ...], tuple[bytes, ...]]  # what was checked, roots that were signed, roots found
    _Point = tuple[int, int, int, int]
    _Judged = tuple[int, str, str, str, str]

VERDICTS = ("VERIFIED 验证通过", "NOT VERIFIED 验证未通过", "UNUSABLE INPUT 输入无法使用")
AGREES_WITH_ITSELF = "AGREES WITH ITSELF, NOT VERIFIED 仅自身一致，未经验证"

_HASH_SIZE, _TILE_WIDTH, _MAX_SIGNATURES = 32, 256, 100
_MAX_NOTE, _MAX_FILE, _MAX_EXTRA = 1_000_000, 17_000_000, 65_536
_EMPTY_ROOT = sha256(b"").digest()
# Control characters except newline, and halves of surrogate pairs, which have no UTF-8.
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)")
_SIGNATURE = re.compile(r"— ([^\s+]+) (\S+)")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n(\S+)\n")
_PROOF = re.compile(r"c2sp\.org/tlog-proof@v1\n(?:extra (\S+)\n)?index (0|[1-9][0-9]{0,17})((?:\n\S+){0,63})")
_HASHES = re.compile(r"(?:\S+\n){0,64}")


class Failed(Exception):
    """A verdict other than "verified"."""

    status = 1

    def __init__(self, what: str, expected: object, got: object) -> None:
        super().__init__(what)
        self.what, self.expected, self.got = what, str(expected), str(got)


class Unusable(Failed):
    """Input that is not of its format, so that nothing can be said about its claims."""

    status = 2


def _need(usable: object, what: str, expected: object, got: object) -> None:
    if not usable:
        raise Unusable(what, expected, repr(got[:80]) if isinstance(got, (str, bytes)) else got)


def _match(pattern: re.Pattern[str], text: str, what: str, expected: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if not found or _FORBIDDEN.search(text):
        raise Unusable(what, expected, repr(text[:80]))
    return found


class Key(NamedTuple):
    """An Ed25519 verifier key, and the log that it signs for."""

    name: str
    key_id: bytes
    public: bytes
    origin: str


class Head(NamedTuple):
    """A checkpoint: log, number of entries, root."""

    origin: str
    size: int
    root: bytes


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


def peaks_of(hashes: list[bytes]) -> list[bytes]:
    """Roots of the complete subtrees over these hashes, largest first."""
    peaks: list[bytes] = []
    while hashes:
        if len(hashes) % 2:
            peaks.insert(0, hashes[-1])
        hashes = [node_hash(hashes[at - 1], hashes[at]) for at in range(1, len(hashes), 2)]
    return peaks


def fold(peaks: list[bytes]) -> bytes:
    """Root over complete subtrees, largest first."""
    return reduce(lambda right, left: node_hash(left, right), reversed(peaks)) if peaks else _EMPTY_ROOT


def root_of_inclusion(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """The root that the audit path leads to: RFC 9162 §2.1.3.2."""
    _need(index < size, "entry index", f"below the tree size {size}", index)
    root = leaf
    for on_left, sibling in _steps(index, size - 1, proof):
        root = node_hash(sibling, root) if on_left else node_hash(root, sibling)
    return root


def roots_of_consistency(old: Head, new: Head, proof: list[bytes]) -> tuple[bytes, bytes]:
    """The two roots that the proof leads to: RFC 9162 §2.1.4.2."""
    _need(old.size <= new.size, "size of the older checkpoint", f"at most {new.size}", old.size)
    if old.size in (0, new.size):
        _need(not proof, "hashes of the consistency proof", 0, len(proof))
        return old.root, old.root if old.size else new.root
    path = proof if old.size & (old.size - 1) else [old.root, *proof]
    _need(path, "hashes of the consistency proof", "more", 0)
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for on_left, node in _steps(at, last, path[1:]):
        before = node_hash(node, before) if on_left else before
        after = node_hash(node, after) if on_left else node_hash(after, node)
    return before, after


def _steps(at: int, last: int, proof: list[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Each hash of a proof from below, with whether it stands on the left."""
    for sibling in proof:
        _need(last, "hashes of the proof", "fewer", len(proof))
        on_left = bool(at & 1) or at == last
        while on_left and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
        yield on_left, sibling
    _need(not last, "hashes of the proof", "more", len(proof))


_P, _ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
_D, _ROOT_OF_MINUS_1 = -121665 * pow(121666, -1, _P) % _P, pow(2, (_P - 1) // 4, _P)


def _add(a: _Point, b: _Point) -> _Point:
    """Sum of two points in extended coordinates (RFC 8032 §5.1.4)."""
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    t, z = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = high - low, z - t, z + t, high + low
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    for bit in f"{factor:b}":
        result = _add(_add(result, result), point if bit == "1" else (0, 1, 1, 0))
    return result


def _point(data: bytes) -> _Point | None:
    """Decode a point (RFC 8032 §5.1.3); None where there is none."""
    sign, y = data[31] >> 7, int.from_bytes(data, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    x = -x % _P if x & 1 != sign else x
    return None if y >= _P or (x * x - square) % _P or (x == 0 and sign) else (x, y, 1, x * y % _P)


_BASE = _point(bytes([0x58, *[0x66] * 31])) or (0, 1, 1, 0)


def ed25519_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Verify as in RFC 8032 §5.1.7, R = [S]B - [k]A; milliseconds, which is nothing for one checkpoint."""
    key, scalar = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 64 or scalar >= _ORDER:
        return False
    k = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _ORDER
    x, y, z, _ = _add(_times(scalar, _BASE), _times(k, (_P - key[0], key[1], 1, _P - key[3])))
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little") == signature[:32]


def parse_vkey(text: str) -> Key:
    """`<name>+<key id>+<Base64 of 0x01 and the key>`."""
    name, stated, encoded = _match(_VKEY, text, "verifier key", "<name>+<key id>+<Base64>").groups()
    key = _base64(encoded, "verifier key")
    _need(len(key) == 33 and key[0] == 1, "verifier key", "type 1 (Ed25519) and 32 bytes", key)
    key_id = sha256(name.encode() + b"\n" + key).digest()[:4]
    _need(stated == key_id.hex(), "key id of the verifier key", key_id.hex(), stated)
    # A key of small order "signs" every text, without a private key.
    point = _point(key[1:])
    _need(point and _times(8, point)[0], "public key", "a point of large order, in its one form", key[1:].hex())
    return Key(name, key_id, key[1:], name)


def open_checkpoint(whole: str, key: Key) -> Head:
    """The checkpoint in a note that the key signed: exactly three lines. Other keys' signatures are ignored."""
    _need(len(whole.encode()) <= _MAX_NOTE, "size of the note", f"at most {_MAX_NOTE} bytes", "more")
    at = whole.rfind("\n\n")
    text, lines = whole[: at + 1], whole[at + 2 :].split("\n")
    good = at >= 0 and not lines.pop() and 1 <= len(lines) <= _MAX_SIGNATURES and not _FORBIDDEN.search(text)
    _need(good, "note", f"text, a blank line, 1 to {_MAX_SIGNATURES} signature lines", whole[-80:])
    signatures = [_signature(line) for line in lines]
    ours = [it[2] for it in signatures if it[:2] == (key.name, key.key_id)]
    if not ours:
        names = [f"{it[0]} {it[1].hex()}" for it in signatures]
        raise Failed("signer of the checkpoint", f"{key.name} {key.key_id.hex()}", ", ".join(names))
    if not all(ed25519_signed(key.public, text.encode(), signature) for signature in ours):
        raise Failed(f"signature by {key.name}", "one over this checkpoint", ours[0].hex()[:128])
    origin, count, root = _match(_CHECKPOINT, text, "checkpoint", "three lines: origin, size, root").groups()
    if key.origin != origin:
        raise Failed("origin of the checkpoint", key.origin, origin)
    head = Head(origin, int(count), _base64(root, "root", _HASH_SIZE))
    _need(head.size or head.root == _EMPTY_ROOT, "root of the empty tree", _EMPTY_ROOT.hex(), head.root.hex())
    return head


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, encoded = _match(_SIGNATURE, line, "signature line", "— <name> <Base64>").groups()
    data = _base64(encoded, "signature")
    _need(len(data) > 4, "signature", "more than 4 bytes", len(data))
    return name, data[:4], data[4:]


def _base64(text: str, what: str, size: int | None = None) -> bytes:
    """Canonical only, so that no byte of a file can change unnoticed."""
    try:
        data = binascii.a2b_base64(text.encode())
    except ValueError:
        raise Unusable(what, "Base64", repr(text[:80])) from None
    _need(binascii.b2a_base64(data, newline=False).decode() == text, what, "canonical Base64", text)
    _need(size in (None, len(data)), what, f"{size} bytes", len(data))
    return data


def proof(key: Key, entry: Path, file: Path) -> Outcome:
    """A tlog-proof file shows that the entry's exact bytes are in the log."""
    head, _, note = _text(file).partition("\n\n")
    extra, index, lines = _match(_PROOF, head, "proof", "the tlog-proof format").groups()
    _need(len(_base64(extra or "", "extra data")) <= _MAX_EXTRA, "extra data", f"at most {_MAX_EXTRA} bytes", "more")
    path, tree = [_base64(line, "hash", _HASH_SIZE) for line in lines.split()], open_checkpoint(note, key)
    got = root_of_inclusion(int(index), tree.size, leaf_hash(_read(entry)), path)
    return f"entry {int(index) + 1} of {tree.size} in {tree.origin} (index {index})", (tree.root,), (got,)


def consistency(key: Key, old: Path, new: Path, file: Path) -> Outcome:
    """The newer checkpoint's log begins with the older one's; the file has one Base64 hash a line."""
    before, after = open_checkpoint(_text(old), key), open_checkpoint(_text(new), key)
    lines = _match(_HASHES, _text(file), "hashes", "up to 64 lines of one hash each")
    got = roots_of_consistency(before, after, [_base64(line, "hash", _HASH_SIZE) for line in lines[0].split()])
    return f"{after.origin} only grew, from {before.size} to {after.size} entries", (before.root, after.root), got


def tiles(key: Key, folder: Path, covered: str = "entries and tiles") -> Outcome:
    """Every tile is the hash of what is below it, down to the entries, and all lead to the signed root."""
    head = open_checkpoint(_text(folder / "checkpoint"), key)
    peaks: list[bytes] = []
    below, count, level = peaks, head.size, 0
    while count:
        roots: list[bytes] = []
        for index in range(-(-count // _TILE_WIDTH)):
            width = min(_TILE_WIDTH, count - index * _TILE_WIDTH)
            tile = computed = _tile(folder, level, index, width)
            if level or covered.startswith("entries"):
                start = index * _TILE_WIDTH
                computed = below[start : start + width] if level else _entry_hashes(folder, index, width)
            for slot in (slot for slot in range(width) if computed[slot] != tile[slot]):
                raise Failed(f"hash {slot} of tile {index} on level {level}", computed[slot].hex(), tile[slot].hex())
            if width == _TILE_WIDTH:
                roots += peaks_of(tile)
            else:
                peaks = peaks_of(tile) + peaks
        below, count, level = roots, count // _TILE_WIDTH, level + 1
    return f"{covered} of {head.origin}, {head.size} entries", (head.root,), (fold(peaks),)


def hashes(key: Key, folder: Path) -> Outcome:
    """Like `tiles`, for a folder that has no entries."""
    return tiles(key, folder, "tiles WITHOUT entries")


def _tile(folder: Path, level: int, index: int, width: int) -> list[bytes]:
    """The first `width` hashes of a tile."""
    data, count = _member(folder, str(level), index, width)
    _need(len(data) == count * _HASH_SIZE, f"tile {index} on level {level}", f"{count} hashes", f"{len(data)} bytes")
    return [data[at : at + _HASH_SIZE] for at in range(0, width * _HASH_SIZE, _HASH_SIZE)]


def _entry_hashes(folder: Path, index: int, width: int) -> list[bytes]:
    """Leaf hashes of the first `width` entries of a bundle."""
    data, count = _member(folder, "entries", index, width)
    found: list[bytes] = []
    at = 0
    while at < len(data):
        start, at = at + 2, at + 2 + int.from_bytes(data[at : at + 2], "big")
        found.append(leaf_hash(data[start:at]))
    _need(len(found) == count and at == len(data), f"entry bundle {index}", f"{count} whole entries", len(found))
    return found[:width]


def _member(folder: Path, level: str, index: int, width: int) -> tuple[bytes, int]:
    """A tile or bundle and its width: the full one where the log has deleted the partial one for it."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    full = folder.joinpath("tile", level, *groups)
    partial = full.with_name(f"{full.name}.p") / str(width)
    return (_read(partial), width) if partial.exists() else (_read(full), _TILE_WIDTH)


def _read(path: Path) -> bytes:
    _need(path.is_file() or not path.exists(), str(path), "a regular file", "something else")  # pipes may have no end
    with path.open("rb") as file:
        data = file.read(_MAX_FILE + 1)
    _need(len(data) <= _MAX_FILE, f"size of {path}", f"at most {_MAX_FILE} bytes", "more")
    return data


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise Unusable(str(path), "UTF-8", f"{error.reason} at byte {error.start}") from None


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Exit status: 0 verified, 1 not verified, 2 unusable input.")
    commands = parser.add_subparsers(required=True, metavar="proof|consistency|tiles|hashes")
    for run in (proof, consistency, tiles, hashes):
        names = [name for name in run.__annotations__ if name not in ("key", "covered", "return")]
        command = commands.add_parser(run.__name__, description=run.__doc__, help=str(run.__doc__).splitlines()[0])
        keys = command.add_mutually_exclusive_group(required=True)
        keys.add_argument("--vkey", help="the log's key, as you know it")
        if "folder" in names:
            keys.add_argument("--claimed-key", action="store_true", help="the key that the folder brings along")
        command.add_argument("--origin", help="the log, where it is not named like its key")
        command.set_defaults(run=run, names=names)
        for name in names:
            command.add_argument(name, type=Path)
    return parser.parse_args(argv)


def judge(run: Callable[..., Outcome], vkey: str | None, *files: Path, origin: str | None = None) -> _Judged:
    """Exit status, what was checked, key, expected, got; without a key, by the one that the folder claims."""
    try:
        vkey = re.sub(r"\n\Z", "", _text(files[0] / "vkey")) if vkey is None else vkey
        key = parse_vkey(vkey)
        what, roots, found = run(key if origin is None else key._replace(origin=origin), *files)
        status, expected, got = int(roots != found), " ".join(map(bytes.hex, roots)), " ".join(map(bytes.hex, found))
    except Failed as failed:
        status, what, expected, got = failed.status, failed.what, failed.expected, failed.got
    except OSError as error:
        status, what, expected, got = 2, str(error.filename), "a readable file", str(error.strerror)
    return status, _safe(what), _safe(vkey or "none"), _safe(expected), _safe(got)


def _safe(text: str) -> str:
    # Texts of others are shown, not obeyed: nothing in them may move the cursor or break a line.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, write five lines, return the exit status."""
    args = _arguments(argv)
    whose = "given by you" if args.vkey is not None else "only claimed by the folder itself: compare it with yours"
    files = (getattr(args, name) for name in args.names)
    status, what, key, expected, got = judge(args.run, args.vkey, *files, origin=args.origin)
    verdict = VERDICTS[status] if status or args.vkey is not None else AGREES_WITH_ITSELF
    lines = f"{verdict}\nchecked   {what}\nkey       {key} ({whose})\nexpected  {expected}\ngot       {got}\n"
    try:
        sys.stdout.buffer.write(lines.encode())
        sys.stdout.buffer.flush()
    except (OSError, AttributeError):  # AttributeError: there is no stdout at all
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
