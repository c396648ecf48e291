"""Pseudonyms are HMAC, one per identifier, key, purpose and id type; and nothing said shows an identifier or a key."""

from __future__ import annotations

import hmac
import re

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.identifiers.pseudonyms import PseudonymKey, normalised, pseudonymise

SECRETS = st.binary(min_size=32, max_size=32).filter(lambda b: len(set(b)) >= 16)
PURPOSES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
AGENCY_IDS = st.lists(
    st.from_regex(r" ?[A-Za-z1-9/._\-]{1,6} ?", fullmatch=True) | st.none() | st.sampled_from(["", "a", "A ", "a-"]),
    max_size=12,
)


def twin(value, secret, purpose, id_type):
    """The definition, one value at a time, for ids in which every character counts."""
    if value is None or not value.strip():
        return None
    message = "\x1f".join(["vru-models pseudonym 1", purpose, id_type, value.strip().upper()])
    return hmac.new(secret, message.encode(), "sha256").digest()[:16].hex()


def made(values, secret, purpose, id_type="agency:camden"):
    key = PseudonymKey(purpose, secret)
    got = pseudonymise(pd.Series(values, dtype=object), key=key, purpose=purpose, id_type=id_type)
    return [None if pd.isna(v) else v for v in got]


@given(AGENCY_IDS, SECRETS, PURPOSES)
@settings(max_examples=100, deadline=None)
def test_pseudonyms_equal_the_standard_library_s_hmac(values, secret, purpose):
    assert made(values, secret, purpose) == [twin(v, secret, purpose, "agency:camden") for v in values]


@given(AGENCY_IDS, SECRETS, PURPOSES)
@settings(max_examples=100, deadline=None)
def test_two_identifiers_share_a_pseudonym_exactly_when_they_share_their_form(values, secret, purpose):
    forms = normalised(pd.Series(values, dtype=object), "agency:camden").dropna().tolist()
    pseudonyms = [p for p in made(values, secret, purpose) if p]
    assert len(set(pseudonyms)) == len(set(forms)) == len(set(zip(forms, pseudonyms, strict=True)))
    assert all(re.fullmatch(r"[0-9a-f]{32}", p) for p in pseudonyms)


@given(st.sets(SECRETS, min_size=2, max_size=2), st.sets(PURPOSES, min_size=2, max_size=2))
@settings(max_examples=50, deadline=None)
def test_another_key_purpose_or_id_type_gives_another_pseudonym(secrets, purposes):
    all_ways = [
        made(["9434765870"], secret, purpose, id_type)[0]
        for secret in secrets
        for purpose in purposes
        for id_type in ("nhs", "chi", "agency:camden")
    ]
    assert len(set(all_ways)) == 12
    assert len({PseudonymKey(purpose, secret).id for secret in secrets for purpose in purposes}) == 4


@given(AGENCY_IDS, SECRETS, st.randoms())
@settings(max_examples=50, deadline=None)
def test_a_pseudonym_does_not_depend_on_the_other_rows(values, secret, random):
    order = random.sample(range(len(values)), len(values))
    whole = made(values, secret, "early_help")
    assert made([values[i] for i in order], secret, "early_help") == [whole[i] for i in order]
