"""Promises of the tree: every true proof is accepted, every changed one is refused, appending equals rebuilding."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hee_core import merkle
from hee_core.errors import IntegrityError

MOST = 70
LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(MOST)]


def mth(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 2.1, word for word, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


ROOTS = [mth(LEAVES[:size]) for size in range(MOST + 1)]


def flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


def test_appending_one_by_one_gives_the_root_of_the_definition_at_every_size():
    frontier = merkle.Frontier()
    for size in range(MOST + 1):
        assert frontier.size == size
        assert frontier.root() == ROOTS[size]
        assert len(frontier.hashes) == size.bit_count()
        if size < MOST:
            frontier = frontier.append(LEAVES[size])


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_extending_in_two_parts_equals_extending_at_once(first, second):
    low, high = sorted((first, second))
    assert merkle.Frontier().extend(LEAVES[:low]).extend(LEAVES[low:high]).root() == ROOTS[high]


@pytest.mark.spec("SEED-215")
def test_every_inclusion_proof_up_to_seventy_leaves_holds_for_its_leaf_and_for_no_other_place():
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES, index, size)
            merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
            other = (index + 1) % size
            if other != index:
                with pytest.raises(IntegrityError):
                    merkle.verify_inclusion(LEAVES[index], other, size, proof, ROOTS[size])
                with pytest.raises(IntegrityError):
                    merkle.verify_inclusion(LEAVES[other], index, size, proof, ROOTS[size])
            for at, node in enumerate(proof):
                spoiled = [*proof[:at], flipped(node, (size * 7 + index) % 256), *proof[at + 1 :]]
                with pytest.raises(IntegrityError):
                    merkle.verify_inclusion(LEAVES[index], index, size, spoiled, ROOTS[size])


@pytest.mark.spec("SEED-215")
def test_every_consistency_proof_up_to_seventy_leaves_holds_for_its_trees_and_for_no_other_root():
    for new in range(MOST + 1):
        for old in range(new + 1):
            proof = merkle.consistency_proof(LEAVES, old, new)
            merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)
            with pytest.raises(IntegrityError):
                merkle.verify_consistency(old, new, flipped(ROOTS[old], new), ROOTS[new], proof)
            if old:
                with pytest.raises(IntegrityError):
                    merkle.verify_consistency(old, new, ROOTS[old], flipped(ROOTS[new], old), proof)
            for at, node in enumerate(proof):
                spoiled = [*proof[:at], flipped(node, (new * 7 + old) % 256), *proof[at + 1 :]]
                with pytest.raises(IntegrityError):
                    merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], spoiled)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_every_single_flipped_bit_of_a_proof_is_noticed(data):
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(LEAVES, index, size)
    for bit in range(256 * len(proof)):
        spoiled = [flipped(node, bit % 256) if at == bit // 256 else node for at, node in enumerate(proof)]
        with pytest.raises(IntegrityError):
            merkle.verify_inclusion(LEAVES[index], index, size, spoiled, ROOTS[size])
    old = data.draw(st.integers(1, size - 1))
    path = merkle.consistency_proof(LEAVES, old, size)
    for bit in range(256 * len(path)):
        spoiled = [flipped(node, bit % 256) if at == bit // 256 else node for at, node in enumerate(path)]
        with pytest.raises(IntegrityError):
            merkle.verify_consistency(old, size, ROOTS[old], ROOTS[size], spoiled)


@given(st.integers(1, MOST), st.integers(0, MOST - 1), st.binary(min_size=1, max_size=8))
def test_a_tree_with_one_leaf_rewritten_is_not_consistent_with_the_tree_before(new, at, text):
    at %= new
    rewritten = [*LEAVES[:at], merkle.leaf_hash(b"rewritten " + text), *LEAVES[at + 1 :]]
    for old in range(at + 1, new + 1):
        proof = merkle.consistency_proof(rewritten, old, new)
        root = merkle.root_of(rewritten[:new])
        with pytest.raises(IntegrityError):
            merkle.verify_consistency(old, new, ROOTS[old], root, proof)


@settings(max_examples=200)
@given(st.integers(-2, 80), st.integers(-2, 80), st.lists(st.binary(min_size=32, max_size=32), max_size=9))
def test_made_up_proofs_are_refused_and_never_crash(first, second, proof):
    with pytest.raises(IntegrityError):
        merkle.verify_consistency(first, second, bytes(32), b"\1" * 32, proof)
    with pytest.raises(IntegrityError):
        merkle.verify_inclusion(bytes(32), first, second, proof, b"\1" * 32)
