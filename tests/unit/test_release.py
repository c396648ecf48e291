import datetime as dt
import json
import re
import shutil

import pytest
import tiny
import world as worlds
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit import release as module
from vru_models.audit.bundle import open_bundle, seal
from vru_models.audit.release import Release, refuse_expired, today
from vru_models.audit.signing import fingerprint, load_private
from vru_models.audit.trust import Trust, TrustedKey
from vru_models.errors import DataError, RefusedError, SpecError, StorageError
from vru_models.spec.digest import canonical_json, digest_bytes
from vru_models.spec.storage import write_folder

SECOND, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (2, 3))


@pytest.fixture
def place(released, tmp_path):
    return shutil.copytree(released.place / "release", tmp_path / "release")


@pytest.fixture
def trust(released):
    return Trust.load(released.place / "trust.toml")


def resealed(place, released, *, header=None, files=None, without=(), keys=None):
    """What somebody who holds the approver's key could sign in its stead."""
    bundle = open_bundle(place, None)
    held = {name: content for name, content in bundle.files.items() if name not in without} | (files or {})
    changed = {**bundle.header, **(header or {})}
    if header and "approval.json" in held:
        held["approval.json"] = canonical_json(json.loads(held["approval.json"]) | header)
    sealed = seal(held, changed, keys or [load_private(released.key)])
    shutil.rmtree(place)
    write_folder(place, sealed)
    return place


def test_it_loads_with_the_trust_file_or_the_keys_in_it(place, released, trust):
    by_path = Release.load(place, trusted=released.place / "trust.toml")
    assert by_path == Release.load(place, trusted=trust)
    assert by_path.pinned
    assert [s.name for s in by_path.signers] == [worlds.APPROVER]
    assert by_path.card == released.run.card
    assert by_path.card_digest == released.run.card_digest
    assert by_path.spec.digest == released.spec.digest


def test_it_prints_what_it_is_by_whom_and_until_when(place, trust):
    text = repr(Release.load(place, trusted=trust))
    assert text.startswith(f"Release(small version 1, approved by {worlds.APPROVER} on {today()}, expires ")
    assert f"signed by {worlds.APPROVER}" in text


def test_without_a_trust_file_it_loads_not_pinned(place):
    loose = Release.load(place, trusted=None)
    assert not loose.pinned
    assert "not pinned (" in repr(loose)


def test_a_signer_who_is_not_trusted_is_refused(place):
    strangers = Trust.of(TrustedKey.of(STRANGER.public_key(), name="C. Name", role="nobody"))
    with pytest.raises(RefusedError, match="is not among the 1 keys of the trust file"):
        Release.load(place, trusted=strangers)


def test_a_missing_folder_or_trust_file_says_so(place, tmp_path):
    with pytest.raises(StorageError, match="release: cannot be read"):
        Release.load(tmp_path / "nowhere", trusted=None)
    with pytest.raises(StorageError, match="trust file: cannot be read"):
        Release.load(place, trusted=tmp_path / "trust.toml")


@pytest.mark.parametrize("name", ["card.json", "spec.toml", "approval.json", "known_answers.json", "report.html"])
def test_a_changed_file_is_refused(place, trust, name):
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RefusedError, match=f"bundle: {name}: is not as it was signed"):
        Release.load(place, trusted=trust)


def test_the_last_day_counts_and_the_day_after_is_refused(place, trust, monkeypatch):
    last = Release.load(place, trusted=trust).expires_on
    monkeypatch.setattr(module, "today", lambda: last)
    assert Release.load(place, trusted=trust).expires_on == last
    monkeypatch.setattr(module, "today", lambda: last + dt.timedelta(days=1))
    with pytest.raises(RefusedError, match=f"expired on {last}.*Have a new run evaluated and approved"):
        Release.load(place, trusted=trust)


def test_expiry_is_inclusive():
    assert refuse_expired("2026-02-28", dt.date(2026, 2, 28)) is None
    with pytest.raises(RefusedError, match="release: expired on 2026-02-28, and it is 2026-03-01"):
        refuse_expired("2026-02-28", dt.date(2026, 3, 1))


def test_the_signature_comes_before_the_expiry(place, trust, monkeypatch):
    monkeypatch.setattr(module, "today", lambda: dt.date(2099, 1, 1))
    (place / "card.json").write_bytes(b"{}")
    with pytest.raises(RefusedError, match="is not as it was signed"):
        Release.load(place, trusted=trust)


def test_the_expiry_comes_before_anything_is_parsed(place, released, trust, monkeypatch):
    resealed(place, released, files={"card.json": b"no card", "spec.toml": b"no spec"})
    monkeypatch.setattr(module, "today", lambda: dt.date(2099, 1, 1))
    with pytest.raises(RefusedError, match="release: expired on"):
        Release.load(place, trusted=trust)


def test_a_swapped_declaration_is_refused(place, released, trust):
    other = worlds.spec(**{"capacity.k": 40}).files()
    resealed(place, released, files={"spec.toml": other["spec.toml"]})
    with pytest.raises(RefusedError, match="its card or declaration is not the approved one"):
        Release.load(place, trusted=trust)


def test_a_swapped_code_list_is_refused(place, released, trust):
    content = open_bundle(place, None).files["codelists/kinds.csv"].replace(b"Lunchtime", b"Lunch")
    resealed(place, released, files={"codelists/kinds.csv": content})
    with pytest.raises(RefusedError, match="its card or declaration is not the approved one"):
        Release.load(place, trusted=trust)


def test_a_swapped_card_is_refused(place, released, trust):
    resealed(place, released, files={"card.json": tiny.CARD.to_json().encode()})
    with pytest.raises(RefusedError, match="its card or declaration is not the approved one"):
        Release.load(place, trusted=trust)


def test_an_unknown_field_of_a_card_is_refused(place, released, trust):
    card = json.loads(open_bundle(place, None).files["card.json"]) | {"code": "import os"}
    content = json.dumps(card).encode()
    resealed(place, released, files={"card.json": content}, header={"card": digest_bytes(content)})
    with pytest.raises(DataError, match="card: 1 keys are not known"):
        Release.load(place, trusted=trust)


def test_a_card_out_of_bounds_is_refused(place, released, trust):
    card = json.loads(open_bundle(place, None).files["card.json"])
    card["features"][0]["neutral"] = 101
    content = json.dumps(card).encode()
    resealed(place, released, files={"card.json": content}, header={"card": digest_bytes(content)})
    with pytest.raises(DataError, match="card: one feature breaks a bound"):
        Release.load(place, trusted=trust)


def test_an_unknown_key_of_the_declaration_is_refused(place, released, trust):
    content = b"unheard_of = 1\n" + open_bundle(place, None).files["spec.toml"]
    resealed(place, released, files={"spec.toml": content})
    with pytest.raises(SpecError, match="unheard_of"):
        Release.load(place, trusted=trust)


def test_wrong_known_answers_are_refused(place, released, trust):
    known = json.loads(open_bundle(place, None).files["known_answers.json"])
    known["points"][5] += 1
    resealed(place, released, files={"known_answers.json": canonical_json(known)})
    with pytest.raises(RefusedError, match="does not give the answers it was approved with"):
        Release.load(place, trusted=trust)


@pytest.mark.parametrize(
    ("header", "lacks"),
    [
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"expires_on": "never"}, "expires_on"),
        ({"expires_on": None}, "expires_on"),
        ({"signed_by": "me"}, "signed_by"),
    ],
)
def test_a_header_that_is_not_a_releases_is_refused(place, released, trust, header, lacks):
    resealed(place, released, header=header)
    with pytest.raises(RefusedError, match=f"release: lacks {lacks}. Expected: a folder that approve wrote"):
        Release.load(place, trusted=trust)


@pytest.mark.parametrize("name", ["spec.toml", "card.json", "approval.json", "known_answers.json"])
def test_a_bundle_without_a_needed_file_is_refused(place, released, trust, name):
    resealed(place, released, without=(name,))
    with pytest.raises(RefusedError, match=f"release: lacks {name}"):
        Release.load(place, trusted=trust)


def test_any_other_signed_bundle_is_refused(tmp_path, released, trust):
    write_folder(tmp_path / "other", seal({"a.json": b"{}"}, {"version": 1}, [load_private(released.key)]))
    with pytest.raises(RefusedError, match="release: lacks purpose, approved_by"):
        Release.load(tmp_path / "other", trusted=trust)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"overrides":{}}', b'{"overrides":[]}'])
def test_an_approval_that_says_something_else_is_refused(place, released, trust, content):
    resealed(place, released, files={"approval.json": content})
    with pytest.raises(RefusedError, match=r"release: approval.json: is not the approval that was signed"):
        Release.load(place, trusted=trust)


def test_a_co_signature_that_was_stripped_is_missed(place, released):
    own = load_private(released.key)
    both = [fingerprint(key.public_key()) for key in (own, SECOND)]
    resealed(place, released, header={"signed_by": both}, keys=[own, SECOND])
    trust = Trust.of(
        *(TrustedKey.of(k.public_key(), name=n, role="approver") for k, n in ((own, "A. Name"), (SECOND, "B. Name")))
    )
    assert [s.name for s in Release.load(place, trusted=trust).signers] == ["A. Name", "B. Name"]
    envelope = json.loads((place / "manifest.sig.json").read_bytes())
    for kept in range(2):
        one = {"signatures": [envelope["signatures"][kept]]}
        (place / "manifest.sig.json").write_bytes(canonical_json(one))
        with pytest.raises(RefusedError, match="release: 1 of the 2 signatures that it is to carry were taken away"):
            Release.load(place, trusted=trust)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"expires_on": "2099-01-01"}, "expires later than its own retention allows"),
        ({"approved_on": "2199-01-01", "expires_on": "2199-06-01"}, "its version or its dates are not those of an"),
        ({"expires_on": "2020-01-01", "approved_on": "2020-02-01"}, "its version or its dates are not those of an"),
        ({"version": -5}, "its version or its dates are not those of an approval"),
        ({"purpose": "another"}, "its card or declaration is not the approved one"),
        ({"signed_by": []}, "lacks signed_by"),
        ({"signed_by": [[]]}, "lacks signed_by"),
        ({"approved_on": "9999-01-01"}, "lacks approved_on"),
        ({"ledger_began": "<b>"}, "lacks ledger_began"),
        ({"approved_by": "B. Other, owner"}, "none of its signers is the person who approved"),
    ],
)
def test_a_header_that_no_approval_could_have_is_refused(place, released, trust, header, says):
    resealed(place, released, header=header)
    with pytest.raises(RefusedError, match=re.escape(says)):
        Release.load(place, trusted=trust)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("volumes.json", b"{}"),
        ("volumes.json", b'{"linked":{},"rows":[["2024-02-01","missing","x","*",-1,0,0,0]]}'),
        ("card.json", b"\xff\xfe"),
    ],
)
def test_a_file_that_approve_did_not_write_so_is_refused_in_words(place, released, trust, name, content):
    resealed(place, released, files={name: content})
    with pytest.raises((RefusedError, DataError), match=r"^(release|card)"):
        Release.load(place, trusted=trust)


def test_the_volumes_are_protected_and_say_what_was_linked(place, released, trust):
    release = Release.load(place, trusted=trust)
    counts = release.volumes[["people", "events", "recent", "not_known"]].to_numpy()
    assert (counts % 5 == 0).all()
    assert (counts[released.run.volumes[["people", "events", "recent", "not_known"]].to_numpy() <= 7] == 0).all()
    assert dict(release.linked) == {"exclusions": 100, "missing": 100}
