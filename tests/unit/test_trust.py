from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit import signing
from vru_models.audit.trust import Trust, TrustedKey, check_signatures, signature_records
from vru_models.errors import RefusedError, SpecError, StorageError

APPROVER, SECOND, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
NAMED = TrustedKey.of(APPROVER.public_key(), name="A. Name", role="Senior Responsible Owner")
LEFT = TrustedKey("B. Name", "analyst", signing.public_text(SECOND.public_key()), revoked=date(2026, 1, 31))


def test_a_trust_file_reads_back_as_it_was_written(tmp_path):
    Trust.of(NAMED, LEFT).dump(tmp_path / "trust.toml")
    assert Trust.load(tmp_path / "trust.toml") == Trust.of(NAMED, LEFT)


def test_a_trust_file_is_written_by_hand_like_this(tmp_path):
    (tmp_path / "trust.toml").write_text(
        f"""
        format = "vru-trust/1"
        [[keys]]
        name = "A. Name"
        role = "Senior Responsible Owner"
        public_key = "{signing.public_text(APPROVER.public_key())}"
        [[keys]]
        name = "B. Name"
        role = "analyst"
        public_key = "{signing.public_text(SECOND.public_key())}"
        revoked = 2026-01-31
        """
    )
    assert Trust.load(tmp_path / "trust.toml") == Trust.of(NAMED, LEFT)


KEY = f'name = "A"\nrole = "r"\npublic_key = "{signing.public_text(APPROVER.public_key())}"\n'
HEAD = 'format = "vru-trust/1"\n'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (KEY, "'name' is not known. Expected: one of format, keys"),
        ("[[keys]]\n" + KEY, "format: is missing or not known. Expected: vru-trust/1"),
        ('format = "vru-trust/2"', "format: is missing or not known"),
        (HEAD + "keys = 1", r"keys: is not a list of tables"),
        (HEAD + "keys = [1]", r"keys: is not a list of tables"),
        (HEAD + "[[keys]]\nrevokd = 2026-01-31\n" + KEY, r"keys\[0\]: 'revokd' is not known.*Did you mean 'revoked'"),
        (HEAD + '[[keys]]\nname = "A"', r"keys\[0\]: public_key, role is missing"),
        (HEAD + "[[keys]]\n" + KEY + "revoked = true", "revoked is not a date"),
        (HEAD + "[[keys]]\n" + KEY + "revoked = 2026-01-31T00:00:00", "revoked is not a date"),
        (HEAD + "[[keys]]\n" + KEY.replace('"A"', '" "'), "name is not one line of text"),
        (HEAD + "[[keys]]\n" + KEY.replace('"r"', "1"), "role is not one line of text"),
        (HEAD + '[[keys]]\nname="A"\nrole="r"\npublic_key="AAAA"', "32 bytes, not 3"),
        (HEAD + '[[keys]]\nname="A"\nrole="r"\npublic_key=1', "public_key is not text"),
        (HEAD + "[[keys]]\n" + KEY + "[[keys]]\n" + KEY, "a public key is listed twice"),
        ("= CANARY", "is not TOML"),
        (HEAD + HEAD, "is not TOML"),
    ],
)
def test_a_trust_file_with_anything_unexpected_is_refused(tmp_path, text, reason):
    (tmp_path / "trust.toml").write_text(text)
    with pytest.raises(SpecError, match=reason) as caught:
        Trust.load(tmp_path / "trust.toml")
    assert "CANARY" not in str(caught.value)


def test_a_missing_trust_file_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="trust file: cannot be read"):
        Trust.load(tmp_path / "trust.toml")


def test_a_revocation_is_a_day_not_a_moment():
    with pytest.raises(ValueError, match="revoked is not a date"):
        TrustedKey("A", "r", NAMED.public_key, revoked=datetime(2026, 1, 31, tzinfo=UTC))


def test_a_signer_is_found_by_id_unless_unknown_or_revoked():
    trust = Trust.of(NAMED, LEFT)
    assert trust.signer(NAMED.key_id) is NAMED
    with pytest.raises(RefusedError, match="was revoked on 2026-01-31"):
        trust.signer(LEFT.key_id)
    with pytest.raises(RefusedError, match="is not among the 2 keys of the trust file"):
        trust.signer(signing.key_id(STRANGER.public_key()))


def test_every_signer_is_named_when_trusted_and_only_fingerprinted_when_not():
    records = signature_records(b"content", [APPROVER])
    (named,) = check_signatures(b"content", records, Trust.of(NAMED), where="x")
    (unnamed,) = check_signatures(b"content", records, None, where="x")
    assert (named.name, named.role) == ("A. Name", "Senior Responsible Owner")
    assert (unnamed.name, unnamed.role) == (None, None)
    assert named.fingerprint == unnamed.fingerprint == signing.fingerprint(APPROVER.public_key())


def test_one_signer_who_is_not_trusted_spoils_the_others():
    records = signature_records(b"content", [APPROVER, STRANGER])
    assert len(check_signatures(b"content", records, None, where="x")) == 2
    with pytest.raises(RefusedError, match="is not among the 1 keys"):
        check_signatures(b"content", records, Trust.of(NAMED), where="x")


def test_nobody_is_trusted_by_an_empty_trust_file():
    with pytest.raises(RefusedError, match="is not among the 0 keys"):
        check_signatures(b"content", signature_records(b"content", [APPROVER]), Trust(), where="x")


def test_a_key_that_shares_the_short_id_of_a_trusted_one_is_refused(monkeypatch):
    monkeypatch.setattr(signing, "key_id", lambda public: "0" * 16)
    records = signature_records(b"content", [STRANGER])
    with pytest.raises(RefusedError, match="only resembles a trusted one"):
        check_signatures(b"content", records, Trust.of(NAMED), where="x")


@pytest.mark.parametrize("keys", [[], [APPROVER, APPROVER]])
def test_signing_needs_one_key_or_several_different_ones(keys):
    with pytest.raises(ValueError, match="at least one key, and with none of them twice"):
        signature_records(b"content", keys)


GOOD = signature_records(b"content", [APPROVER])[0]
OTHER = signature_records(b"content", [STRANGER])[0]


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (None, "is not signed"),
        ([], "is not signed"),
        ({"0": GOOD}, "is not signed"),
        ([GOOD] * 17, "is not signed"),
        ([GOOD, GOOD], "signed twice by the same key"),
        ([1], "a signature is malformed"),
        ([{}], "a signature is malformed"),
        ([GOOD | {"extra": "x"}], "a signature is malformed"),
        ([GOOD | {"signature": 1}], "a signature is malformed"),
        ([GOOD | {"algorithm": "none"}], "a signature is malformed"),
        ([GOOD | {"algorithm": "hmac"}], "a signature is malformed"),
        ([GOOD | {"key_id": OTHER["key_id"]}], "a signature is malformed"),
        ([GOOD | {"public_key": "CANARY"}], "a signature is malformed"),
        ([GOOD | {"signature": "CANARY"}], "a signature is malformed"),
        ([GOOD | {"signature": ""}], "does not fit the content"),
        ([GOOD | {"signature": OTHER["signature"]}], "does not fit the content"),
        ([OTHER | {"signature": GOOD["signature"]}], "does not fit the content"),
        (signature_records(b"other", [APPROVER]), "does not fit the content"),
    ],
)
def test_a_signature_that_is_not_exactly_one_is_refused(records, reason):
    with pytest.raises(RefusedError, match=reason) as caught:
        check_signatures(b"content", records, None, where="x")
    assert "CANARY" not in str(caught.value)
