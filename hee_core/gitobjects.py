"""Git's objects and packs as bytes: blobs, trees, signed commits, pack and index files. Pure.

Formats: gitformat-pack(5), gitformat-commit. Works for SHA-1 and SHA-256 repositories.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from hee_core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGEST = 64 << 20  # bytes of an object of a log; what is larger is neither written nor read
_WINDOW = 1 << 12
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
# A commit as we write them: every header once, in order, the signature last.
_PLAIN = re.compile(
    rb"tree ([0-9a-f]+)\n((?:parent [0-9a-f]+\n)*)author ([^\n]*)\ncommitter ([^\n]*)\n"
    rb"(?:gpgsig(?:-sha256)? ([^\n]*(?:\n [^\n]*)*)\n)?\n"
)
_TYPE_NUMBER = {"commit": 1, "tree": 2, "blob": 3}


class GitObject(NamedTuple):
    """One object: its kind, its content, its id."""

    kind: str
    data: bytes
    id: str


class Pack(NamedTuple):
    """A pack and its index (`table`); `name` is what follows `pack-` in both file names."""

    name: str
    data: bytes
    table: bytes


def make(kind: str, data: bytes, object_format: str) -> GitObject:
    """An object with its id."""
    return GitObject(kind, data, _HASHES[object_format](b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest())


def tree(entries: Sequence[tuple[str, str]], object_format: str) -> GitObject:
    """A tree of regular files, (name, blob id) each."""
    data = b"".join(b"100644 %s\0" % name.encode() + bytes.fromhex(blob) for name, blob in sorted(entries))
    return make("tree", data, object_format)


def parse_tree(data: bytes, object_format: str) -> list[tuple[str, str, str]]:
    """The entries of a tree as (mode, name, id); raises IntegrityError for bytes that are not a tree.

    Names stand once each and in git's order: of a name that stood twice, readers would take one or the other.
    """
    size = 32 if object_format == "sha256" else 20
    entries, position, before = [], 0, b""
    while position < len(data):
        end = data.find(b"\0", position)
        mode, space, name = data[position:end].partition(b" ")
        if end < 0 or not space or len(data) < end + 1 + size:
            raise IntegrityError("not a tree object")
        key = name + b"/" if mode == b"40000" else name
        if key <= before:
            raise IntegrityError(f"not a tree object: {name[:40]!r} stands twice, or not in git's order")
        before = key
        entries.append(
            (mode.decode("ascii", "replace"), name.decode("utf-8", "replace"), data[end + 1 : end + 1 + size].hex())
        )
        position = end + 1 + size
    return entries


def commit(
    *, tree_id: str, parents: Sequence[str], who: str, seconds: int, message: str, object_format: str,
    sign: Callable[[bytes], bytes], committer: str = "",
) -> GitObject:  # fmt: skip
    """A commit whose header `sign` makes from the bytes without it (`gpgsig …`, ends with a line feed).

    `who` is its author, and its committer unless another one is named.
    """
    head = "".join([
        f"tree {tree_id}\n", *(f"parent {parent}\n" for parent in parents),
        f"author {who} {seconds} +0000\ncommitter {committer or who} {seconds} +0000\n",
    ]).encode()  # fmt: skip
    body = b"\n" + message.encode()
    return make("commit", head + sign(head + body) + body, object_format)


class Commit(NamedTuple):
    """A commit taken apart; `signature` is the armored text, `signed` the bytes it covers."""

    tree: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str
    signature: str
    signed: bytes


def parse_commit(data: bytes) -> Commit:
    """Takes a commit apart strictly: one tree, known headers once each and in order, at most one signature."""
    plain = _PLAIN.match(data)
    if plain:
        return _plain_commit(data, plain)
    head, blank, message = data.partition(b"\n\n")
    values: dict[bytes, list[bytes]] = {}
    kept: list[bytes] = []
    name = b""
    for line in head.split(b"\n"):
        if line.startswith(b" ") and name in values:
            values[name][-1] += b"\n" + line[1:]
        else:
            name, _, value = line.partition(b" ")
            values.setdefault(name, []).append(value)
        if not name.startswith(b"gpgsig"):
            kept.append(line)
    signatures = values.pop(b"gpgsig", []) + values.pop(b"gpgsig-sha256", [])
    parents = values.pop(b"parent", [])
    if (
        not blank
        or len(signatures) > 1
        or set(values) != {b"tree", b"author", b"committer"}
        or any(len(v) > 1 for v in values.values())
        or kept
        != [
            b"tree " + values[b"tree"][0],
            *(b"parent " + parent for parent in parents),
            b"author " + values[b"author"][0],
            b"committer " + values[b"committer"][0],
        ]
    ):
        raise IntegrityError("the commit has unknown, missing or repeated headers, or not in git's order")
    return Commit(
        values[b"tree"][0].decode("ascii", "replace"),
        tuple(parent.decode("ascii", "replace") for parent in parents),
        values[b"author"][0].decode("utf-8", "replace"),
        values[b"committer"][0].decode("utf-8", "replace"),
        message.decode("utf-8", "replace"),
        signatures[0].decode("ascii", "replace") if signatures else "",
        b"\n".join(kept) + b"\n\n" + message,
    )


def _plain_commit(data: bytes, found: re.Match[bytes]) -> Commit:
    tree, parents, author, committer, signature = found.groups()
    message = data[found.end() :]
    return Commit(
        tree.decode("ascii"),
        tuple(parents.decode("ascii").split()[1::2]),
        author.decode("utf-8", "replace"),
        committer.decode("utf-8", "replace"),
        message.decode("utf-8", "replace"),
        signature.replace(b"\n ", b"\n").decode("ascii", "replace") if signature else "",
        data[: found.end(4)] + b"\n\n" + message,
    )


def pack(objects: Sequence[GitObject], object_format: str) -> Pack:
    """Packs objects whole (no deltas), each once, with a version 2 index; below 2 GB."""
    unique = list({item.id: item for item in objects}.values())
    chunks = [b"PACK" + struct.pack(">II", 2, len(unique))]
    offset, rows = 12, []
    for item in unique:
        entry = _entry_header(_TYPE_NUMBER[item.kind], len(item.data)) + _deflate(item.data)
        rows.append((bytes.fromhex(item.id), zlib.crc32(entry), offset))
        chunks.append(entry)
        offset += len(entry)
    if offset >= 2**31:
        raise IntegrityError("a pack of 2 GB or more is not written: append fewer events at once")
    body = b"".join(chunks)
    trailer = hashlib.new(object_format, body).digest()
    return Pack(trailer.hex(), body + trailer, _index(sorted(rows), trailer, object_format))


def _deflate(data: bytes) -> bytes:
    if len(data) > _WINDOW:
        return zlib.compress(data, 1)
    # Setting up a window of 32 KB takes four times as long as compressing what is smaller than one of 4 KB.
    small = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return small.compress(data) + small.flush()


def _entry_header(number: int, size: int) -> bytes:
    first = (number << 4) | (size & 15)
    size >>= 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    out.append(first)
    return bytes(out)


def _index(rows: list[tuple[bytes, int, int]], trailer: bytes, object_format: str) -> bytes:
    counts = [0] * 256
    for name, _, _ in rows:
        counts[name[0]] += 1
    body = b"".join([
        b"\xfftOc\x00\x00\x00\x02", struct.pack(">256I", *accumulate(counts)),
        *(name for name, _, _ in rows),
        struct.pack(f">{len(rows)}I", *(crc for _, crc, _ in rows)),
        struct.pack(f">{len(rows)}I", *(offset for _, _, offset in rows)),
        trailer,
    ])  # fmt: skip
    return body + hashlib.new(object_format, body).digest()
