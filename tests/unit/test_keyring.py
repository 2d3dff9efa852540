"""Who may sign what is decided by the log and by the index of an event in it, never by a claimed time."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hee_core.clock import FixedClock
from hee_core.errors import IntegrityError
from hee_core.events import GENESIS_SOURCE, Event
from hee_core.keyring import KeyRing
from hee_core.keys import EphemeralSigner

CLOCK = FixedClock()


def signer(seed: int, actor: str = "agent:hee") -> EphemeralSigner:
    return EphemeralSigner(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), actor=actor)


AGENT, SECOND, THIRD = signer(1), signer(2, "agent:second"), signer(3, "agent:third")
ADA, BOB, CI = signer(4, "human:ada"), signer(5, "human:bob"), signer(6, "ci:forge")


def event(type_: str, data: dict, by: EphemeralSigner, *, as_: str = "") -> Event:
    draft = Event.new(type_, data, clock=CLOCK)
    return draft.bound(source="urn:hee:log:" + "0" * 64, actor=as_ or by.actor, key_id=by.key_id)


def genesis(*roots: EphemeralSigner, threshold: int = 1, by: EphemeralSigner | None = None) -> Event:
    keys = [{"public_key": r.public_key, "actor": r.actor, "role": r.role} for r in roots]
    draft = Event.new("log.created", {"root_keys": keys, "threshold": threshold}, clock=CLOCK)
    by = by or roots[0]
    return draft.bound(source=GENESIS_SOURCE, actor=by.actor, key_id=by.key_id)


def added(who: EphemeralSigner, by: EphemeralSigner, **changes: str) -> Event:
    data = {"public_key": who.public_key, "actor": who.actor, "role": who.role, **changes}
    return event("key.added", data, by)


def revoked(who: EphemeralSigner, by: EphemeralSigner) -> Event:
    return event("key.revoked", {"key_id": who.key_id, "reason": "lost"}, by)


def rotated(who: EphemeralSigner, by: EphemeralSigner) -> Event:
    return event("key.rotated", {"public_key": who.public_key}, by)


def expiring(who: EphemeralSigner, by: EphemeralSigner, **when: int | str) -> Event:
    return event("key.expiry_set", {"key_id": who.key_id, **when}, by)


def granted(who: EphemeralSigner, by: EphemeralSigner) -> Event:
    return event("key.root_granted", {"key_id": who.key_id}, by)


def threshold(number: int, by: EphemeralSigner) -> Event:
    return event("key.threshold_changed", {"threshold": number}, by)


def may(ring: KeyRing, who: EphemeralSigner, index: int) -> bool:
    return ring.check(who.key_id, index, who.actor) is None


@pytest.mark.spec("SEED-216")
def test_the_keys_of_genesis_may_sign_from_the_first_event_on():
    ring = KeyRing.of(genesis(AGENT))
    assert may(ring, AGENT, 0)
    assert ring.check(AGENT.public_key, 7, "agent:hee") is None
    assert ring.check(SECOND.key_id, 7, "agent:second") == f"key {SECOND.key_id} is not in the key ring"
    assert ring.check("nonsense", 7, "agent:hee").startswith("not a public key")
    assert ring.check(AGENT.key_id, 7, "human:ada") == f"key {AGENT.key_id} belongs to agent:hee, not to human:ada"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: event("note.recorded", {"text": "x"}, AGENT), "expected log.created"),
        (lambda: genesis(AGENT, AGENT), "listed twice"),
        (lambda: genesis(AGENT, threshold=2), "threshold 2 with 1 root keys"),
        (lambda: genesis(AGENT, by=SECOND), "not in the key ring"),
        (lambda: genesis(AGENT, SECOND, by=EphemeralSigner(SECOND._key, actor="agent:hee")), "belongs to agent:second"),
    ],
)
def test_a_genesis_that_cannot_be_trusted_is_refused(make, reason):
    with pytest.raises(IntegrityError, match=reason):
        KeyRing.of(make())


@pytest.mark.spec("SEED-216")
def test_a_key_is_valid_from_the_event_after_it_was_added_until_the_event_that_revokes_it():
    ring = KeyRing.of(genesis(AGENT))
    ring = ring.fold(3, added(SECOND, AGENT))
    assert [may(ring, SECOND, index) for index in (2, 3, 4, 5)] == [False, False, True, True]
    ring = ring.fold(9, revoked(SECOND, AGENT))
    assert [may(ring, SECOND, index) for index in (3, 4, 9, 10, 11)] == [False, True, True, False, False]
    assert "from event 4 on only" in ring.check(SECOND.key_id, 3, SECOND.actor)
    assert "revoked from event 10 on" in ring.check(SECOND.key_id, 10, SECOND.actor)


@pytest.mark.spec("SEED-216")
def test_a_ring_is_never_changed_in_place():
    ring = KeyRing.of(genesis(AGENT))
    before = json.dumps(ring.dump())
    ring.fold(1, added(SECOND, AGENT))
    assert json.dumps(ring.dump()) == before


def test_other_events_leave_the_ring_as_it_is():
    ring = KeyRing.of(genesis(AGENT))
    assert ring.fold(1, event("note.recorded", {"text": "x"}, AGENT)) is ring
    assert ring.refusal(1, event("note.recorded", {"text": "x"}, AGENT)) is None
    assert "not in the key ring" in ring.refusal(1, event("note.recorded", {"text": "x"}, SECOND))


@pytest.mark.spec("SEED-216")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: added(THIRD, SECOND), "takes a root key"),
        (lambda: revoked(AGENT, SECOND), "takes a root key"),
        (lambda: added(THIRD, CI), "not in the key ring"),
        (lambda: event("key.added", added(THIRD, AGENT).data, AGENT, as_="agent:else"), "belongs to agent:hee"),
        (lambda: added(SECOND, AGENT), "already"),
        (lambda: added(AGENT, AGENT), "already"),
        (lambda: added(THIRD, AGENT, role="human"), "its role is agent, not human"),
        (lambda: added(THIRD, AGENT, actor="third"), "is not human:, agent: or ci:"),
        (lambda: added(THIRD, AGENT, public_key=THIRD.public_key + " me@home"), "no comment"),
        (lambda: added(THIRD, AGENT, public_key="ssh-dss AAAAB3NzaC1kc3MAAAAA"), "not supported"),
        (lambda: revoked(THIRD, AGENT), "not a valid key"),
        (lambda: revoked(AGENT, AGENT), "too few root keys"),
    ],
)
def test_a_change_of_keys_that_may_not_be_is_refused_with_the_reason(make, reason):
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(SECOND, AGENT))
    change = make()
    assert reason in ring.refusal(5, change)
    with pytest.raises(IntegrityError, match="event 5: "):
        ring.fold(5, change)


def test_a_key_event_of_a_newer_program_stops_the_fold_instead_of_being_skipped():
    ring = KeyRing.of(genesis(AGENT))
    newer = added(SECOND, AGENT)
    object.__setattr__(newer, "version", 99)
    assert "newer than this program" in ring.refusal(1, newer)
    with pytest.raises(IntegrityError, match="cannot read it"):
        ring.fold(1, newer)


@pytest.mark.spec("SEED-216")
def test_a_revoked_key_never_comes_back():
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(SECOND, AGENT)).fold(2, revoked(SECOND, AGENT))
    assert "is or was" in ring.refusal(3, added(SECOND, AGENT))
    assert "not a valid key" in ring.refusal(3, revoked(SECOND, AGENT))


@pytest.mark.spec("SEED-216")
def test_a_root_key_can_revoke_itself_when_another_is_left():
    ring = KeyRing.of(genesis(AGENT, SECOND)).fold(4, revoked(AGENT, AGENT))
    assert may(ring, AGENT, 4)
    assert not may(ring, AGENT, 5)
    assert "revoked from event 5" in ring.refusal(5, added(THIRD, AGENT))
    assert "too few" in ring.refusal(5, revoked(SECOND, SECOND))


@pytest.mark.parametrize("root", [True, False])
def test_an_agent_cannot_make_or_unmake_people_once_a_person_holds_a_key(root):
    alone = KeyRing.of(genesis(AGENT))
    assert alone.refusal(1, added(ADA, AGENT)) is None  # somebody has to begin
    ring = KeyRing.of(genesis(AGENT, ADA)) if root else alone.fold(1, added(ADA, AGENT))
    assert ring.people(2) == ("human:ada",)
    assert "takes a person's key" in ring.refusal(2, added(BOB, AGENT))
    assert "takes a person's key" in ring.refusal(2, revoked(ADA, AGENT))
    assert ring.refusal(2, added(CI, AGENT)) is None
    ring = ring.fold(2, added(BOB, ADA))
    assert may(ring, BOB, 3)
    assert "takes a person's key" in ring.refusal(3, revoked(BOB, AGENT))
    with pytest.raises(IntegrityError, match="takes a person's key"):
        ring.fold(3, revoked(BOB, AGENT))
    assert not may(ring.fold(3, revoked(BOB, ADA)), BOB, 4)


def test_a_persons_key_that_is_no_root_changes_people_and_nobody_else():
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(ADA, AGENT)).fold(2, added(SECOND, AGENT))
    assert "takes a root key" in ring.refusal(3, added(THIRD, ADA))
    assert "takes a root key" in ring.refusal(3, revoked(SECOND, ADA))
    assert ring.refusal(3, revoked(ADA, ADA)) is None


def test_the_first_person_cannot_be_added_by_an_agent_while_the_log_is_frozen():
    freeze, thaw = event("state.frozen", {"reason": "r"}, AGENT), event("state.unfrozen", {"reason": "r"}, AGENT)
    ring = KeyRing.of(genesis(AGENT)).fold(1, freeze)
    assert KeyRing.load(json.loads(json.dumps(ring.dump()))) == ring
    assert "while the log is frozen" in ring.refusal(2, added(ADA, AGENT))
    assert "while the log is frozen" in ring.fold(2, thaw).refusal(3, added(ADA, AGENT))  # no agent ends a freeze
    assert ring.refusal(2, added(CI, AGENT)) is None
    before = KeyRing.of(genesis(AGENT)).fold(1, added(ADA, AGENT)).fold(2, freeze)
    assert before.refusal(3, added(BOB, ADA)) is None
    assert not before.fold(3, event("state.unfrozen", {"reason": "r"}, ADA)).frozen


def test_a_freeze_that_the_log_does_not_count_is_none_for_the_ring():
    newer = event("state.frozen", {"reason": "r"}, AGENT)
    object.__setattr__(newer, "version", 99)
    ring = KeyRing.of(genesis(AGENT))
    assert ring.fold(1, newer) is ring
    assert ring.fold(1, event("state.unfrozen", {"reason": "r"}, ADA)) is ring


def test_a_signer_that_the_ring_does_not_take_is_told_the_next_step():
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(SECOND, AGENT)).fold(2, revoked(SECOND, AGENT))
    assert ring.fault(AGENT, 3) is None
    assert f'hee keys add "{CI.public_key}" --actor ci:forge' in ring.fault(CI, 3).hint
    assert "never comes back" in ring.fault(SECOND, 3).hint
    assert ring.fault(EphemeralSigner(AGENT._key, actor="human:ada"), 3).hint.endswith("HEE_ACTOR=agent:hee")


# ------------------------------------------------------------------ threshold


@pytest.mark.spec("SEED-216")
def test_with_a_threshold_of_two_a_change_takes_two_root_keys():
    ring = KeyRing.of(genesis(AGENT, SECOND, THIRD, threshold=2))
    ring = ring.fold(1, added(CI, AGENT))
    assert not may(ring, CI, 2)
    ring = ring.fold(2, added(CI, AGENT))  # the same key again is still one
    assert not may(ring, CI, 3)
    ring = ring.fold(3, added(CI, SECOND))
    assert [may(ring, CI, index) for index in (3, 4)] == [False, True]
    assert not ring.pending


@pytest.mark.spec("SEED-216")
def test_two_root_keys_that_ask_for_different_changes_change_nothing():
    ring = KeyRing.of(genesis(AGENT, SECOND, threshold=2))
    ring = ring.fold(1, added(CI, AGENT)).fold(2, added(EphemeralSigner(CI._key, actor="ci:other"), SECOND))
    assert ring.check(CI.key_id, 9, "ci:forge")
    assert len(ring.pending) == 2


@pytest.mark.spec("SEED-216")
def test_the_word_of_a_root_key_that_was_revoked_meanwhile_does_not_count():
    ring = KeyRing.of(genesis(AGENT, SECOND, THIRD, threshold=2))
    ring = ring.fold(1, added(CI, AGENT))
    ring = ring.fold(2, revoked(AGENT, SECOND)).fold(3, revoked(AGENT, THIRD))
    assert not may(ring, AGENT, 4)
    ring = ring.fold(4, added(CI, SECOND))
    assert not may(ring, CI, 5)
    assert may(ring.fold(5, added(CI, THIRD)), CI, 6)


# ------------------------------------------------------------------ keys for years


@pytest.mark.spec("SEED-216")
@pytest.mark.parametrize("root", [True, False])
def test_a_key_signs_for_its_successor_which_has_its_actor_and_its_rights(root):
    ring = KeyRing.of(genesis(AGENT, SECOND)) if root else KeyRing.of(genesis(AGENT)).fold(1, added(SECOND, AGENT))
    heir = signer(20, "agent:second")
    ring = ring.fold(5, rotated(heir, SECOND))
    assert [may(ring, SECOND, index) for index in (5, 6)] == [True, False]
    assert [may(ring, heir, index) for index in (5, 6)] == [False, True]
    assert ring.keys[heir.key_id].root is root
    assert "is rotated from event 6 on" in ring.check(SECOND.key_id, 6, SECOND.actor)
    assert "hee keys rotate" in ring.fault(SECOND, 6).hint
    assert ("takes a root key" in (ring.refusal(6, added(THIRD, heir)) or "")) is not root
    assert "is or was" in ring.refusal(6, rotated(SECOND, heir))
    assert "is or was" in ring.refusal(6, rotated(AGENT, heir))
    assert "rotated from event 6" in ring.refusal(6, rotated(THIRD, SECOND))
    assert ring.refusal(6, revoked(SECOND, AGENT)) is not None
    assert not may(ring.fold(6, revoked(heir, AGENT)), heir, 7)


@pytest.mark.spec("SEED-216")
def test_a_key_ends_with_the_event_that_was_named_and_takes_its_end_to_its_successor():
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(SECOND, AGENT)).fold(2, expiring(SECOND, AGENT, until=9))
    assert [may(ring, SECOND, index) for index in (2, 8, 9)] == [True, True, False]
    assert "is expired from event 9 on" in ring.check(SECOND.key_id, 9, SECOND.actor)
    assert "never comes back" in ring.fault(SECOND, 9).hint
    heir = signer(20, "agent:second")
    ring = ring.fold(3, rotated(heir, SECOND))
    assert [may(ring, heir, index) for index in (4, 8, 9)] == [True, True, False]
    assert "takes a root key" in ring.refusal(4, expiring(heir, heir))  # nobody lifts a limit for itself
    longer = ring.fold(4, expiring(heir, AGENT, until=20))
    assert may(longer, heir, 19)
    assert not may(longer, heir, 20)
    assert may(ring.fold(4, expiring(heir, AGENT)), heir, 1000)
    assert "not a valid key" in ring.refusal(9, expiring(heir, AGENT))
    assert "not a valid key" in ring.refusal(8, expiring(heir, AGENT, until=30))  # its last event is this one
    assert "is past" in ring.refusal(4, expiring(heir, AGENT, until=4))
    assert not may(ring.fold(4, revoked(heir, AGENT)), heir, 5)


def test_a_time_is_only_ever_warned_about():
    ring = KeyRing.of(genesis(AGENT)).fold(1, expiring(AGENT, AGENT, not_after="2020-01-01T00:00:00Z"))
    note = event("note.recorded", {"text": "x"}, AGENT)
    assert ring.refusal(2, note) is None
    assert "was meant to be used until 2020-01-01" in ring.warning(note)
    assert KeyRing.of(genesis(AGENT)).warning(note) is None
    assert ring.fold(2, expiring(AGENT, AGENT, not_after="2999-01-01T00:00:00Z")).warning(note) is None
    for bad in ("tomorrow", "2027-02-30T00:00:00Z", "2027-01-01T00:00:00+01:00"):
        assert "is not a time like" in ring.refusal(2, expiring(AGENT, AGENT, not_after=bad))


@pytest.mark.spec("SEED-216")
def test_an_end_never_leaves_too_few_root_keys():
    ring = KeyRing.of(genesis(AGENT, SECOND))
    ring = ring.fold(1, expiring(AGENT, SECOND, until=50))
    assert "too few root keys" in ring.refusal(2, expiring(SECOND, AGENT, until=99))
    assert "too few root keys" in ring.refusal(2, revoked(SECOND, AGENT))
    assert "too few root keys" in ring.refusal(2, threshold(2, AGENT))
    assert ring.refusal(2, revoked(AGENT, SECOND)) is None


@pytest.mark.spec("SEED-216")
def test_a_root_key_makes_another_key_a_root_key():
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(ADA, AGENT))
    assert "takes a root key" in ring.fold(2, added(CI, AGENT)).refusal(3, granted(CI, CI))
    assert "is a root key already" in ring.refusal(2, granted(AGENT, AGENT))
    assert "not a valid key" in ring.refusal(2, granted(BOB, AGENT))
    assert not ring.fold(2, granted(ADA, ADA)).keys[ADA.key_id].root  # a person alone is no root key
    assert not ring.fold(2, granted(ADA, AGENT)).keys[ADA.key_id].root  # and a root key alone is no person
    ring = ring.fold(2, granted(ADA, AGENT)).fold(3, granted(ADA, ADA))
    assert ring.refusal(4, added(CI, ADA)) is None
    assert not may(ring.fold(4, revoked(AGENT, ADA)), AGENT, 5)


@pytest.mark.spec("SEED-216")
def test_the_threshold_changes_when_as_many_ask_as_before_and_as_after():
    ring = KeyRing.of(genesis(AGENT, SECOND, THIRD))
    assert "too few root keys" in ring.refusal(1, threshold(4, AGENT))
    assert "is 1 already" in ring.refusal(1, threshold(1, AGENT))
    ring = ring.fold(1, added(CI, AGENT))
    assert "takes a root key" in ring.refusal(2, threshold(2, CI))
    ring = ring.fold(2, threshold(2, AGENT))
    assert ring.threshold == 1
    ring = ring.fold(3, threshold(2, SECOND))
    assert ring.threshold == 2
    assert ring.fold(4, threshold(1, THIRD)).threshold == 2
    assert ring.fold(4, threshold(1, THIRD)).fold(5, threshold(1, AGENT)).threshold == 1


def test_agents_do_not_make_root_keys_or_thresholds_over_the_heads_of_people():
    ring = KeyRing.of(genesis(AGENT, SECOND, ADA)).fold(1, added(THIRD, AGENT))
    alone = ring.fold(2, granted(THIRD, AGENT)).fold(3, threshold(2, AGENT)).fold(4, threshold(2, SECOND))
    assert (alone.keys[THIRD.key_id].root, alone.threshold, len(alone.pending)) == (False, 1, 2)
    assert alone.fold(5, granted(THIRD, ADA)).keys[THIRD.key_id].root
    assert alone.fold(5, threshold(2, ADA)).threshold == 2
    without = KeyRing.of(genesis(AGENT, SECOND)).fold(1, added(ADA, AGENT))  # a person needs no root key to be asked
    roots = without.fold(2, threshold(2, AGENT)).fold(3, threshold(2, SECOND))
    assert (roots.threshold, roots.fold(4, threshold(2, ADA)).threshold) == (1, 2)
    half = without.fold(2, threshold(2, AGENT)).fold(3, threshold(2, ADA))
    assert half.threshold == 1  # the person's word is no root key's


def test_what_an_agent_asked_before_there_was_a_person_does_not_count_afterwards():
    ring = KeyRing.of(genesis(AGENT, SECOND, threshold=2)).fold(1, added(BOB, AGENT))
    ring = ring.fold(2, added(ADA, AGENT)).fold(3, added(ADA, SECOND))
    assert may(ring, ADA, 4)
    assert not may(ring.fold(4, added(BOB, ADA)), BOB, 5)  # one person, and two are needed
    three = ring.fold(4, added(BOB, ADA))
    assert three.pending[f"add {BOB.actor} {BOB.public_key}"] == tuple(sorted((AGENT.key_id, ADA.key_id)))


@pytest.mark.spec("SEED-216")
def test_a_thief_does_not_escape_a_revocation_by_rotating_between_two_approvals():
    ring = KeyRing.of(genesis(AGENT, SECOND, THIRD, threshold=2)).fold(1, added(CI, AGENT)).fold(2, added(CI, SECOND))
    heir = signer(20, "ci:forge")
    ring = ring.fold(3, revoked(CI, AGENT)).fold(4, rotated(heir, CI))
    assert may(ring, heir, 5)
    ring = ring.fold(5, revoked(heir, THIRD))
    assert not may(ring, heir, 6)
    assert not ring.pending


def test_the_request_of_a_key_and_that_of_its_successor_are_one():
    ring = KeyRing.of(genesis(AGENT, SECOND, threshold=2)).fold(1, added(CI, AGENT))
    heir = signer(20, "agent:hee")
    ring = ring.fold(2, rotated(heir, AGENT)).fold(3, added(CI, heir))
    assert not may(ring, CI, 4)
    assert may(ring.fold(4, added(CI, SECOND)), CI, 5)


def test_an_event_about_keys_that_this_program_does_not_know_stops_the_fold():
    newer = added(SECOND, AGENT)
    object.__setattr__(newer, "type", "key.split")
    ring = KeyRing.of(genesis(AGENT))
    assert "does not know it" in ring.refusal(1, newer)
    with pytest.raises(IntegrityError, match=r"event 1: key\.split"):
        ring.fold(1, newer)


# ------------------------------------------------------------------ what leaves the ring


def test_the_allowed_signers_are_the_keys_valid_now_or_at_an_index():
    ring = KeyRing.of(genesis(AGENT)).fold(1, added(ADA, AGENT)).fold(2, revoked(ADA, ADA))
    agent = f'agent:hee namespaces="git,hee-event" {AGENT.public_key}\n'
    ada = f'human:ada namespaces="git,hee-event" {ADA.public_key}\n'
    note = f"# human:ada {ADA.key_id}: revoked from event 3 on\n"
    assert ring.allowed_signers(3) == ring.allowed_signers(9) == agent + note
    assert ring.allowed_signers(2) == agent + ada
    assert ring.allowed_signers(1) == agent + note
    assert KeyRing.of(genesis(AGENT)).fold(1, added(ADA, AGENT)).allowed_signers(1) == agent  # not yet
    assert ring.public_keys(3) == ring.public_keys(9) == (AGENT.public_key,)
    assert ring.public_keys(2) == (AGENT.public_key, ADA.public_key)


EVERYBODY = [AGENT, SECOND, THIRD, ADA, BOB, CI]
HEIRS = [signer(30 + n, who.actor) for n, who in enumerate(EVERYBODY)]


def asked(kind: str, who: int, by: int, number: int, index: int) -> Event:
    people = EVERYBODY + HEIRS
    signs = people[by]
    if kind == "expire":
        return expiring(people[who], signs, until=index + number)
    if kind == "rotate":
        return rotated(HEIRS[by % 6], signs)
    if kind == "threshold":
        return threshold(number or 1, signs)
    return {"add": added, "revoke": revoked, "root": granted}[kind](people[who], signs)


def rings():
    def build(steps: list[tuple[str, int, int, int]]) -> KeyRing:
        ring = KeyRing.of(genesis(AGENT, SECOND, ADA, threshold=2))
        for index, step in enumerate(steps, 1):
            change = asked(*step, index)
            if ring.refusal(index, change) is None:
                ring = ring.fold(index, change)
        return ring

    kinds = st.sampled_from(["add", "revoke", "rotate", "expire", "root", "threshold"])
    step = st.tuples(kinds, st.integers(0, 11), st.integers(0, 11), st.integers(0, 4))
    return st.lists(step, max_size=14).map(build)


@given(rings())
def test_a_ring_survives_its_json_and_always_keeps_enough_root_keys(ring):
    again = KeyRing.load(json.loads(json.dumps(ring.dump())))
    assert again == ring
    assert again.dump() == ring.dump()
    assert sum(key.root and key.until is None for key in ring.keys.values()) >= ring.threshold


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value.update(format=1),
        lambda value: value.pop("keys"),
        lambda value: value.update(extra=1),
        lambda value: value.update(keys={"a": 1}),
        lambda value: value["keys"][0].update(actor="nobody"),
        lambda value: value["keys"][0].update(public_key="ssh-ed25519 AAAA"),
        lambda value: value["keys"].append(value["keys"][0]),
        lambda value: value.update(pending=[]),
        lambda value: value.update(frozen="no"),
        lambda value: value.pop("frozen"),
        lambda value: value["keys"][0].pop("until"),
        lambda value: value["keys"][0].update(until="7"),
        lambda value: value["keys"][0].update(since="0"),
        lambda value: value["keys"][0].update(root="yes"),
        lambda value: value["keys"][0].update(ended="revoked"),
        lambda value: value["keys"][0].update(until=7, ended="lost"),
        lambda value: value["keys"][0].update(not_after=1),
        lambda value: value["keys"][0].pop("origin"),
        lambda value: value.update(threshold="1"),
    ],
)
def test_json_that_no_ring_dumps_is_refused(spoil):
    value = KeyRing.of(genesis(AGENT)).dump()
    spoil(value)
    with pytest.raises(IntegrityError, match="key ring"):
        KeyRing.load(value)
