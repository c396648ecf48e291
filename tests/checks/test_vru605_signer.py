from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from world import APPROVER

from vru_models.audit.trust import Trust, TrustedKey
from vru_models.audit.verify import verify


def statuses(released, trust):
    return {f.code: f.status for f in verify(released.place / "release", trusted=trust)}


def test_a_trusted_signer_is_named(released):
    found = verify(released.place / "release", trusted=Trust.load(released.place / "trust.toml"))
    (one,) = (f for f in found if f.code == "VRU605")
    assert (one.status, one.message) == ("pass", f"trusted: {APPROVER}")


def test_without_a_trust_file_the_fingerprint_is_printed_and_nothing_fails(released):
    found = verify(released.place / "release")
    (one,) = (f for f in found if f.code == "VRU605")
    assert one.status == "cannot tell"
    assert "signer not pinned, fingerprint " in one.message
    assert not found.with_status("fail")


def test_a_signer_who_is_not_trusted_fails_the_release(released):
    stranger = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key()
    trust = Trust.of(TrustedKey.of(stranger, name="C. Name", role="nobody"))
    assert statuses(released, trust) == {"VRU604": "fail"}
