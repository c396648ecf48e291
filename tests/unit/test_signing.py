from __future__ import annotations

import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit import signing
from vru_models.errors import RefusedError, StorageError

# RFC 8032, section 7.1, tests 1 to 3: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(secret, public, message, signature):
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert key.public_key().public_bytes_raw().hex() == public
    assert signing.sign(key, bytes.fromhex(message)).hex() == signature
    assert signing.verify(key.public_key(), bytes.fromhex(message), bytes.fromhex(signature))


def test_a_signature_fits_one_key_and_one_content_only():
    key, other = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
    signature = signing.sign(key, b"content")
    assert not signing.verify(other.public_key(), b"content", signature)
    assert not signing.verify(key.public_key(), b"contenu", signature)
    assert not signing.verify(key.public_key(), b"content", signature[:-1])
    assert not signing.verify(key.public_key(), b"content", b"")


def test_a_created_key_is_its_owners_alone_and_loads_back(tmp_path):
    public = signing.create_key(tmp_path / "keys" / "approver.pem")
    assert stat.S_IMODE((tmp_path / "keys" / "approver.pem").stat().st_mode) == 0o600
    assert signing.load_private(tmp_path / "keys" / "approver.pem").public_key() == public


def test_a_key_is_never_overwritten(tmp_path):
    public = signing.create_key(tmp_path / "key.pem")
    with pytest.raises(StorageError, match=r"signing key: .*choose another name"):
        signing.create_key(tmp_path / "key.pem")
    assert signing.load_private(tmp_path / "key.pem").public_key() == public


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604])
def test_a_key_that_others_can_read_is_refused_with_the_remedy(tmp_path, mode):
    signing.create_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(RefusedError, match="Run chmod 600"):
        signing.load_private(tmp_path / "key.pem")


def pem(key, passphrase=None):
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key CANARY",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(Ed25519PrivateKey.generate(), b"passphrase"),
        pem(Ed25519PrivateKey.generate())[:-40],
    ],
    ids=["empty", "text", "another kind of key", "with a passphrase", "cut short"],
)
def test_a_file_that_is_not_such_a_key_is_refused_without_repeating_it(tmp_path, content):
    (tmp_path / "key.pem").write_bytes(content)
    (tmp_path / "key.pem").chmod(0o600)
    with pytest.raises(RefusedError, match="does not hold an Ed25519 private key without a passphrase") as caught:
        signing.load_private(tmp_path / "key.pem")
    assert "CANARY" not in str(caught.value)


def test_the_fingerprint_is_the_sha_256_of_the_raw_key_and_the_id_its_beginning():
    public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_8032[0][0])).public_key()
    assert signing.fingerprint(public) == "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"
    assert signing.key_id(public) == "21fe31dfa154a261"


def test_a_public_key_goes_to_text_and_back():
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    assert signing.public_from_text(signing.public_text(public)) == public


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A" * 43 + "=\n", "not base64"),
        ("A" * 42 + "B=", "exact form"),
        ("A" * 43, "not base64"),
        ("é" * 44, "not base64"),
        ("AAAA", "32 bytes, not 3"),
        ("", "32 bytes, not 0"),
    ],
)
def test_a_public_key_in_any_other_spelling_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        signing.public_from_text(text)
