from __future__ import annotations

import json
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit import signing
from vru_models.audit.ledger import Ledger
from vru_models.audit.trust import Trust, TrustedKey, signature_records
from vru_models.spec.digest import canonical_json

KEY, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
TRUST = Trust.of(TrustedKey.of(KEY.public_key(), name="A. Name", role="ledger keeper"))


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    made = Ledger(tmp_path / "ledger.jsonl")
    for n in range(4):
        made.append("step", n=n)
    return made


def held(ledger, checkpoint, trusted=TRUST):
    return next(f for f in ledger.verify(checkpoint=checkpoint, trusted=trusted) if f.code == "VRU603")


def cut(ledger, n):
    ledger.path.write_bytes(b"".join(ledger.path.read_bytes().splitlines(keepends=True)[:n]))


def test_without_a_checkpoint_it_cannot_tell_and_says_what_would_not_show(ledger):
    found = held(ledger, None)
    assert found.status == "cannot tell"
    assert "entries cut off the end, or a full rewrite, would not show" in found.message


def test_a_checkpoint_names_size_and_head(ledger):
    record = json.loads(ledger.checkpoint(KEY))
    assert (record["format"], record["size"], record["head"]) == ("vru-checkpoint/1", 4, ledger.head)


def test_it_holds_for_the_same_ledger_and_for_one_that_has_grown(ledger):
    checkpoint = ledger.checkpoint(KEY)
    assert held(ledger, checkpoint).status == "pass"
    ledger.append("later")
    found = held(ledger, checkpoint)
    assert (found.status, found.message) == ("pass", "the first 4 entries are as signed (A. Name)")


def test_without_a_trust_file_it_cannot_tell_and_says_that_the_signer_is_not_pinned(ledger):
    found = held(ledger, ledger.checkpoint(KEY), None)
    assert found.status == "cannot tell"
    assert f"signer not pinned, fingerprint {signing.fingerprint(KEY.public_key())}" in found.message


@pytest.mark.parametrize("kept", range(4))
def test_entries_cut_off_the_end_fail(ledger, kept):
    checkpoint = ledger.checkpoint(KEY)
    cut(ledger, kept)
    assert ledger.verify().with_status("fail").items == ()
    found = held(ledger, checkpoint)
    assert found.status == "fail"
    assert f"vouches for 4 entries, {kept} are intact" in found.message


def test_a_ledger_that_is_gone_fails(ledger):
    checkpoint = ledger.checkpoint(KEY)
    ledger.path.unlink()
    assert held(ledger, checkpoint).status == "fail"


@pytest.mark.parametrize("fork", range(4))
def test_a_history_written_anew_from_any_entry_on_fails(ledger, fork):
    checkpoint = ledger.checkpoint(KEY)
    cut(ledger, fork)
    for n in range(fork, 6):
        ledger.append("step", n=100 + n)
    assert ledger.verify().with_status("fail").items == ()
    found = held(ledger, checkpoint)
    assert found.status == "fail"
    assert "entry 4 is not the one the checkpoint vouches for: history was rewritten" in found.message


def test_what_comes_after_the_checkpoint_is_not_vouched_for(ledger):
    checkpoint = ledger.checkpoint(KEY)
    ledger.append("after", n=1)
    cut(ledger, 4)
    assert held(ledger, checkpoint).status == "pass"


def test_a_checkpoint_of_no_entries_holds_for_any_ledger(tmp_path, ledger):
    empty = Ledger(tmp_path / "none.jsonl").checkpoint(KEY)
    assert held(ledger, empty).status == "pass"


def test_a_stranger_and_a_revoked_key_vouch_for_nothing(ledger):
    stranger = held(ledger, ledger.checkpoint(STRANGER))
    left = TrustedKey("A. Name", "ledger keeper", TRUST.keys[0].public_key, revoked=date(2026, 1, 31))
    revoked = held(ledger, ledger.checkpoint(KEY), Trust.of(left))
    assert (stranger.status, revoked.status) == ("fail", "fail")
    assert "is not among the 1 keys" in stranger.message
    assert "was revoked on 2026-01-31" in revoked.message


@pytest.mark.parametrize("trusted", [TRUST, None], ids=["pinned", "not pinned"])
def test_flipping_any_bit_of_a_checkpoint_fails(ledger, trusted):
    checkpoint = ledger.checkpoint(KEY)
    for i in range(len(checkpoint)):
        flipped = bytearray(checkpoint)
        flipped[i] ^= 1 << (i % 8)
        assert held(ledger, bytes(flipped), trusted).status == "fail", i


def signed(record):
    return canonical_json(record | {"signatures": signature_records(canonical_json(record), [KEY])})


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"format": "vru-bundle/1", "files": {}, "header": {}},
        {"format": "vru-checkpoint/2", "size": 0, "head": ""},
        {"format": "vru-checkpoint/1", "size": "0", "head": ""},
        {"format": "vru-checkpoint/1", "size": True, "head": ""},
        {"format": "vru-checkpoint/1", "size": -1, "head": ""},
        {"format": "vru-checkpoint/1", "size": 0, "head": None},
    ],
)
def test_something_else_that_the_key_signed_is_no_checkpoint(ledger, record):
    found = held(ledger, signed(record))
    assert found.status == "fail"
    assert "its format is not known" in found.message


@pytest.mark.parametrize("content", [b"", b"CANARY", b"[]", b"{}"])
def test_what_is_no_checkpoint_fails_without_being_repeated(ledger, content):
    found = held(ledger, content)
    assert found.status == "fail"
    assert "CANARY" not in found.message
