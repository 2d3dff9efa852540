"""The tree has the shape of RFC 6962: published roots and proofs come out, malformed input raises."""

from __future__ import annotations

import pytest

from hee_core import merkle
from hee_core.errors import IntegrityError

# The eight leaves, roots and proofs that the reference implementations of RFC 6962 test themselves with.
LEAVES = [
    merkle.leaf_hash(bytes.fromhex(data))
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root(size: int) -> bytes:
    return bytes.fromhex(ROOTS[size])


@pytest.mark.parametrize("size", range(9))
def test_published_roots_come_out(size):
    assert merkle.root_of(LEAVES[:size]) == root(size)
    assert root(0) == merkle.EMPTY_ROOT


def test_published_proofs_come_out():
    assert [node.hex() for node in merkle.inclusion_proof(LEAVES, 0, 8)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [node.hex() for node in merkle.consistency_proof(LEAVES, 6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_a_leaf_is_never_taken_for_an_inner_node():
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


def test_a_frontier_survives_its_json():
    frontier = merkle.Frontier().extend(LEAVES[:7])
    assert merkle.Frontier.load(frontier.dump()) == frontier
    assert merkle.Frontier.load(frontier.dump()).append(LEAVES[7]).root() == root(8)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"size": 1},
        {"size": 2, "hashes": []},
        {"size": True, "hashes": ["00" * 32]},
        {"size": -1, "hashes": ["00" * 32]},
        {"size": 1, "hashes": ["00" * 31]},
        {"size": 1, "hashes": ["zz" * 32]},
        {"size": 1, "hashes": [7]},
        {"size": "1", "hashes": ["00" * 32]},
    ],
)
def test_a_frontier_that_no_tree_has_is_refused(value):
    with pytest.raises(IntegrityError, match="Merkle frontier"):
        merkle.Frontier.load(value)


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0), (0, 9)])
def test_no_inclusion_proof_for_a_leaf_that_is_not_there(index, size):
    with pytest.raises(IntegrityError, match="no leaf"):
        merkle.inclusion_proof(LEAVES, index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 4), (5, 4), (1, 9)])
def test_no_consistency_proof_between_trees_that_are_not_there(old, new):
    with pytest.raises(IntegrityError, match="no trees"):
        merkle.consistency_proof(LEAVES, old, new)


def test_an_inclusion_proof_of_the_wrong_length_or_place_is_refused():
    proof = merkle.inclusion_proof(LEAVES, 2, 8)
    for wrong, reason in ((proof[:-1], "too short"), ([*proof, proof[0]], "too long"), ([], "too short")):
        with pytest.raises(IntegrityError, match=reason):
            merkle.verify_inclusion(LEAVES[2], 2, 8, wrong, root(8))
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(IntegrityError, match="no leaf"):
            merkle.verify_inclusion(LEAVES[2], index, size, proof, root(8))
    with pytest.raises(IntegrityError, match="32 bytes"):
        merkle.verify_inclusion(LEAVES[2], 2, 8, [proof[0][:-1], *proof[1:]], root(8))
    with pytest.raises(IntegrityError, match="32 bytes"):
        merkle.verify_inclusion(LEAVES[2][:-1], 2, 8, proof, root(8))


def test_a_consistency_proof_of_the_wrong_length_is_refused():
    proof = merkle.consistency_proof(LEAVES, 6, 8)
    for wrong, reason in ((proof[:-1], "too short"), ([*proof, proof[0]], "too long"), ([], "too short")):
        with pytest.raises(IntegrityError, match=reason):
            merkle.verify_consistency(6, 8, root(6), root(8), wrong)
    for old, new in ((9, 8), (-1, 8)):
        with pytest.raises(IntegrityError, match="cannot continue"):
            merkle.verify_consistency(old, new, root(8), root(8), [])


def test_trees_of_one_size_are_consistent_only_if_they_are_the_same_tree():
    merkle.verify_consistency(8, 8, root(8), root(8), [])
    merkle.verify_consistency(0, 8, root(0), root(8), [])
    merkle.verify_consistency(0, 0, root(0), root(0), [])
    for old, new, old_root, new_root, proof in (
        (8, 8, root(7), root(8), []),
        (8, 8, root(8), root(8), [root(8)]),
        (0, 8, root(1), root(8), []),
        (0, 8, root(0), root(8), [root(1)]),
        (0, 0, root(0), root(1), []),
    ):
        with pytest.raises(IntegrityError, match="cannot be"):
            merkle.verify_consistency(old, new, old_root, new_root, proof)
