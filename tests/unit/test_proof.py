"""A proof convinces without the repository, and nothing but the truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_core import MemoryLog, proof
from hee_core.errors import HeeError, IntegrityError, NotFound
from hee_core.events import Event

LOG = MemoryLog()
for n in range(20):
    LOG.append([Event.new("note.recorded", {"text": f"{n}"}) for _ in range(n % 3 + 1)])
SIZE = len(LOG)
KEYS = [LOG.signer.public_key]


@pytest.mark.spec("SEED-215")
@pytest.mark.parametrize("index", [0, 1, 2, 17, SIZE - 1])
def test_every_event_can_be_proved_in_about_half_a_kilobyte(index):
    made = proof.prove(LOG, index)
    shown = proof.check(made, log_id=LOG.id, keys=KEYS)
    assert (shown.event, shown.index, shown.size, shown.log_id) == (LOG.entry(index).event, index, SIZE, LOG.id)
    assert made.startswith(b"c2sp.org/tlog-proof@v1\nextra ")
    assert len(made) < 700 + 2 * len(shown.event.to_bytes())


@given(st.integers(0, SIZE - 1), st.data())
def test_no_changed_byte_passes(index, data):
    made = bytearray(proof.prove(LOG, index))
    made[data.draw(st.integers(0, len(made) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(HeeError):
        proof.check(bytes(made), log_id=LOG.id, keys=KEYS)


def test_another_log_another_key_another_index_prove_nothing():
    made = proof.prove(LOG, 5)
    other = MemoryLog()
    with pytest.raises(IntegrityError, match="the proof is about"):
        proof.check(made, log_id=other.id, keys=KEYS)
    with pytest.raises(IntegrityError, match="no key of this log"):
        proof.check(made, log_id=LOG.id, keys=[other.signer.public_key])
    with pytest.raises(IntegrityError, match="no key of this log"):
        proof.check(made, log_id=LOG.id, keys=[])
    with pytest.raises(IntegrityError):
        proof.check(made.replace(b"\nindex 5\n", b"\nindex 6\n"), log_id=LOG.id, keys=KEYS)
    with pytest.raises(NotFound):
        proof.prove(LOG, SIZE)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"x" * 5000, b"c2sp.org/tlog-proof@v1\nextra \nindex 01\n\nx", b"c2sp.org/tlog-proof@v1\nextra !\nindex 1\n\nx", "c2sp.org/tlog-proof@v1\nextra \u00e9\nindex 1\n\n".encode(), b"c2sp.org/tlog-proof@v1\nindex 1\n\nx"])  # fmt: skip
def test_what_is_no_proof_is_refused(data):
    with pytest.raises(IntegrityError):
        proof.check(data, log_id=LOG.id, keys=KEYS)
