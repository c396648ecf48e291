from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.audit.ledger import Ledger
from vru_models.audit.trust import Trust, TrustedKey
from vru_models.errors import LedgerError

KEY = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
TRUST = Trust.of(TrustedKey.of(KEY.public_key(), name="A. Name", role="ledger keeper"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcé"), inner, max_size=3),
    max_leaves=8,
)


def a_ledger(folder: Path) -> Ledger:
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append("fitted", n=1, precision="0.31")
    ledger.append("evaluated", codes=["VRU302"], note="é")
    ledger.append("approved")
    return ledger


@pytest.fixture
def no_sync(monkeypatch):
    """Durability is not what these tests are about, and it is slow."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


@pytest.mark.parametrize("flip", [0x01, 0x20])
def test_flipping_a_bit_of_any_byte_shows(tmp_path, flip):
    ledger = a_ledger(tmp_path)
    good = ledger.path.read_bytes()
    for i in range(len(good)):
        changed = bytearray(good)
        changed[i] ^= flip
        ledger.path.write_bytes(changed)
        assert ledger.verify().worst in ("fail", "cannot tell"), i


def test_cutting_anywhere_shows_against_a_checkpoint(tmp_path):
    ledger = a_ledger(tmp_path)
    good, checkpoint = ledger.path.read_bytes(), ledger.checkpoint(KEY)
    for size in range(len(good)):
        ledger.path.write_bytes(good[:size])
        assert ledger.verify(checkpoint=checkpoint, trusted=TRUST).worst == "fail", size


def test_a_write_torn_at_any_byte_is_kept_aside_and_the_chain_goes_on(tmp_path, no_sync):
    ledger = a_ledger(tmp_path)
    good = ledger.path.read_bytes()
    start = good[:-1].rindex(b"\n") + 1
    for size in range(start + 1, len(good)):
        ledger.path.write_bytes(good[:size])
        assert ledger.verify().worst == "cannot tell", size
        ledger.append("next")
        assert [entry.kind for entry in ledger] == ["fitted", "evaluated", "torn_tail", "next"], size
        (aside,) = ledger.torn()
        assert aside.read_bytes() == good[start:size]
        aside.unlink()


def test_what_is_read_from_a_changed_ledger_is_a_beginning_of_what_was_written(tmp_path, no_sync):
    ledger = a_ledger(tmp_path)
    good, entries = ledger.path.read_bytes(), list(ledger)

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def check(data):
        start = data.draw(st.integers(0, len(good)))
        stop = data.draw(st.integers(start, min(len(good), start + 400)))
        changed = good[:start] + data.draw(st.binary(max_size=40)) + good[stop:]
        ledger.path.write_bytes(changed)
        read = []
        try:
            read.extend(ledger)
        except LedgerError:
            assert ledger.verify().worst == "fail"
        assert read == entries[: len(read)]
        assert changed == good or len(read) < len(entries) or ledger.verify().worst == "cannot tell"

    check()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), PLAIN, max_size=3), max_size=4))
def test_bodies_read_back_as_they_were_given(bodies):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: None)
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        for body in bodies:
            ledger.append("step", **body)
        assert [dict(entry.body) for entry in ledger] == bodies
        assert not ledger.verify().where(lambda f: f.code != "VRU603").with_status("fail", "cannot tell").items
