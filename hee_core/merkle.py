"""The Merkle tree of the log, in the exact shape of RFC 6962 (and 9162): roots, inclusion and consistency proofs.

Responsible for hashes only: what a leaf is, and who signed a root, are the business of the log and of `checkpoint`.
Invariant: leaves and inner nodes are hashed under different prefixes, a proof is for one size and says nothing about
another, and a check that does not come out raises IntegrityError; there is no result to forget to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hee_core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EMPTY_ROOT = sha256(b"").digest()
HASH_SIZE = 32


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return sha256(b"\1" + left + right).digest()


@lru_cache(maxsize=64)
def _root(hashes: tuple[bytes, ...]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    *lefts, root = hashes
    for left in reversed(lefts):
        root = node_hash(left, root)
    return root


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending needs: the roots of the complete subtrees from left to right, one per bit of `size`."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier with more leaf hashes, in order."""
        size, stack = self.size, list(self.hashes)
        for leaf in leaves:
            node, bits = leaf, size
            while bits & 1:
                node = sha256(b"\1" + stack.pop() + node).digest()
                bits >>= 1
            stack.append(node)
            size += 1
        return Frontier(size, tuple(stack))

    def root(self) -> bytes:
        """The tree's root; of an empty tree, the hash of nothing."""
        return _root(self.hashes)

    def dump(self) -> dict[str, Any]:
        """The frontier as JSON."""
        return {"size": self.size, "hashes": [node.hex() for node in self.hashes]}

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> Frontier:
        """Reads what `dump` wrote; raises IntegrityError for a shape that no tree has."""
        try:
            size, texts = value["size"], value["hashes"]
            hashes = tuple(bytes.fromhex(text) for text in texts)
            sound = type(size) is int and size >= 0 and len(hashes) == size.bit_count()
        except (KeyError, TypeError, ValueError):
            sound = False
        if not sound or any(len(node) != HASH_SIZE for node in hashes):
            raise IntegrityError("Merkle frontier: not the hashes that a tree of this size has")
        return cls(size, hashes)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    return Frontier().extend(leaves).root()


# ------------------------------------------------------------------ proofs


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves, from the bottom up."""
    if not 0 <= index < size <= len(leaves):
        raise IntegrityError(f"Merkle: no leaf {index} in a tree of {size}, of {len(leaves)} leaves known")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(root_of(leaves[middle:high]))
            high = middle
        else:
            proof.append(root_of(leaves[low:middle]))
            low = middle
    return proof[::-1]


def consistency_proof(leaves: Sequence[bytes], old_size: int, new_size: int) -> list[bytes]:
    """The hashes that show the first `old_size` leaves unchanged in the tree of `new_size`, from the bottom up."""
    if not 0 <= old_size <= new_size <= len(leaves):
        raise IntegrityError(f"Merkle: no trees of {old_size} and {new_size} among {len(leaves)} leaves")
    if old_size in (0, new_size):
        return []
    proof: list[bytes] = []
    low, high, whole = 0, new_size, True
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            proof.append(root_of(leaves[middle:high]))
            high = middle
        else:
            proof.append(root_of(leaves[low:middle]))
            low, whole = middle, False
    if not whole:
        proof.append(root_of(leaves[low:high]))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raises IntegrityError unless the leaf hash stands at `index` in the tree of this size and root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        raise IntegrityError(f"inclusion proof: no leaf {index} in a tree of {size}")
    _hashes(proof, leaf, root)
    node, at, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise IntegrityError("inclusion proof: too long for the size of the tree")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise IntegrityError("inclusion proof: too short for the size of the tree")
    if node != root:
        raise IntegrityError(f"inclusion proof: it leads to another root than that of the tree of {size}")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises IntegrityError unless the new tree begins with the old one (RFC 9162 2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        raise IntegrityError(f"consistency proof: a tree of {new_size} cannot continue one of {old_size}")
    _hashes(proof, old_root, new_root)
    if old_size in (0, new_size):
        if proof or old_root != (new_root if old_size else EMPTY_ROOT) or (not new_size and new_root != EMPTY_ROOT):
            raise IntegrityError(f"consistency proof: trees of {old_size} and {new_size} with roots that cannot be")
        return
    path = list(proof)
    if not old_size & (old_size - 1):  # a complete tree: its root is where the path begins
        path.insert(0, old_root)
    if not path:
        raise IntegrityError("consistency proof: too short for the sizes of the trees")
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            raise IntegrityError("consistency proof: too long for the sizes of the trees")
        if at & 1 or at == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, node)
        at, last = at >> 1, last >> 1
    if last:
        raise IntegrityError("consistency proof: too short for the sizes of the trees")
    if old != old_root:
        raise IntegrityError(f"consistency proof: it does not lead to the root of the tree of {old_size}")
    if new != new_root:
        raise IntegrityError(f"consistency proof: it does not lead to the root of the tree of {new_size}")


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _hashes(*groups: Sequence[bytes] | bytes) -> None:
    for group in groups:
        for node in (group,) if isinstance(group, bytes) else group:
            if not isinstance(node, bytes) or len(node) != HASH_SIZE:
                raise IntegrityError("Merkle: a hash that is not 32 bytes")
