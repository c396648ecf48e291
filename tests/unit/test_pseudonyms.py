from __future__ import annotations

import os
import re
import stat

import numpy as np
import pandas as pd
import pytest

from vru_models.errors import DataError, RefusedError, SpecError, StorageError
from vru_models.identifiers.pseudonyms import ID_TYPES, PseudonymKey, normalised, pseudonymise, rotate

SECRET = bytes(range(32))
KEY = PseudonymKey("early_help", SECRET)
HEAD = b"vru-models pseudonym key 2\nearly_help\n"
# printf 'vru-models pseudonym key 2\x1fpurpose\x1fearly_help' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...
BOUND = b"6377ba45572dcfcc7857255a26550695ad74d0ca10831ba4a45c71bb742c7b0c"
OLD_FORMAT = r"is of format 1, .* Expected: format 2. Make one with vru-models secret, and pseudonymise again under it."


def made(values, key=KEY, purpose="early_help", id_type="upn"):
    return pseudonymise(pd.Series(values), key=key, purpose=purpose, id_type=id_type)


def test_a_pseudonym_is_128_bits_of_hmac_in_lower_case_hexadecimal():
    # printf 'vru-models pseudonym 1\x1fearly_help\x1fupn\x1fB801200005001' | openssl dgst -sha256 -mac HMAC \
    #   -macopt hexkey:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
    assert made(["B801200005001"]).tolist() == ["db19623ba5f79c0bfd0e5124c62a6faf"]


def test_missing_and_blank_stay_missing_and_index_and_name_stay():
    raw = pd.Series(["B801200005001", None, "", "  ", np.nan], index=[7, 7, 1, 0, -1], name="upn")
    got = pseudonymise(raw, key=KEY, purpose="early_help", id_type="upn")
    assert got.isna().tolist() == [False, True, True, True, True]
    assert got.index.tolist() == [7, 7, 1, 0, -1]
    assert got.name == "upn"
    assert made([], id_type="nhs").tolist() == []
    assert made([None, None]).isna().all()


@pytest.mark.parametrize(
    ("id_type", "spellings", "form"),
    [
        (
            "nhs",
            ["943 476 5870", "943-476-5870", "943\u00a0476\u20115870\u200b", " 9434765870\t", 9434765870, 9434765870.0],
            "9434765870",
        ),
        ("chi", ["010108 0041"], "0101080041"),
        ("upn", ["b801200005001", "B8012-00005001"], "B801200005001"),
        ("uln", ["92 7630 8686"], "9276308686"),
        ("scn", ["123 456 780"], "123456780"),
        ("nino", ["ab 12 34 56 c", "AB123456", "AB123456D"], "AB123456"),
        ("pnc", ["81/34u", "1981/0000034U", "1981/34U"], "1981/0000034U"),
        ("pnc", ["02/73319Z", "2002/0073319Z"], "2002/0073319Z"),
        ("pnc", ["50/1A"], "1950/0000001A"),
        ("pnc", ["49/1A"], "2049/0000001A"),
        ("cro", ["1/99W", "000001/99w"], "000001/99W"),
        ("cro", ["sf05/482703J"], "SF05/482703J"),
        ("crn", ["x320741"], "X320741"),
        ("noms", ["a1234bc"], "A1234BC"),
        ("agency:camden", [" case-7/b "], "CASE-7/B"),
    ],
)
def test_one_identifier_has_one_form_however_it_is_written(id_type, spellings, form):
    assert normalised(pd.Series(spellings, dtype=object), id_type).tolist() == [form] * len(spellings)


def test_every_id_type_is_covered_above():
    marks = test_one_identifier_has_one_form_however_it_is_written.pytestmark[0].args[1]
    assert {row[0].partition(":")[0] for row in marks} == set(ID_TYPES)


def test_hyphens_of_an_agency_s_own_numbers_count():
    assert made(["1-23", "12-3", "0123", "123"], id_type="agency:camden").nunique() == 4


@pytest.mark.parametrize(
    ("id_type", "values", "rows"),
    [
        ("upn", ["B801200005001", "unknown", None, "B80120000500"], "2 of 4 values are not of the form, in rows 2, 4"),
        ("nhs", ["9434765870", "0000000000"], "1 of 2 values are not of the form, in rows 2"),
        ("agency:camden", ["0", "00", "7", "77"], "2 of 4 values are not of the form, in rows 1, 2"),
        ("nhs", ["x"] * 7, "7 of 7 values are not of the form, in rows 1, 2, 3, 4, 5 and others"),
    ],
)
def test_what_is_not_of_its_type_is_refused_by_row_and_never_shown(id_type, values, rows):
    with pytest.raises(DataError, match=re.escape(rows)) as refused:
        made(values, id_type=id_type)
    assert not any(str(v) in str(refused.value) for v in values if v and len(v) > 5 and v != "0000000000")


def test_an_id_type_that_is_not_declared_is_refused():
    with pytest.raises(SpecError, match=r"id type: 'npn' is not known.*Did you mean 'upn'"):
        made(["x"], id_type="npn")


@pytest.mark.parametrize(("given", "own"), [("council", "agency:council"), ("The Council", "agency:NAME")])
def test_an_agency_that_is_given_as_an_id_type_is_told_how_its_numbers_are(given, own):
    with pytest.raises(SpecError, match=rf"one of agency:NAME, chi, .* An agency's own numbers are of type {own}\.$"):
        made(["x"], id_type=given)


@pytest.mark.parametrize("id_type", ["agency:camden", "nhs"])
def test_pseudonyms_are_no_raw_identifiers(id_type):
    pseudonyms = made(["B801200005001", "A80120000501A", None])
    for given in (pseudonyms, pd.Series([f" {pseudonyms[0]}", "", pseudonyms[0]])):
        with pytest.raises(DataError, match=r"all 2 values have the form of pseudonyms .* Expected: raw") as refused:
            pseudonymise(given, key=KEY, purpose="early_help", id_type=id_type)
        assert pseudonyms[0] not in str(refused.value)
        with pytest.raises(DataError, match=r"all 2 values have the form of pseudonyms"):
            rotate(given, old=KEY, new=PseudonymKey("early_help", SECRET[::-1]), purpose="early_help", id_type=id_type)


def test_an_agency_s_own_numbers_may_look_like_pseudonyms_in_part_or_in_upper_case():
    like = "db19623ba5f79c0bfd0e5124c62a6faf"
    assert made([like, "1234"], id_type="agency:camden").notna().all()
    assert made([like.upper()], id_type="agency:camden")[0] == made([like, "1"], id_type="agency:camden")[0]


def test_the_same_number_of_two_agencies_is_two_people():
    assert made(["1234"], id_type="agency:camden")[0] != made(["1234"], id_type="agency:islington")[0]


@pytest.mark.parametrize("id_type", ["agency", "agency:", "agency:The Council", "upn:camden", "upn:"])
def test_an_agency_s_own_numbers_need_its_name_and_nothing_else_has_one(id_type):
    with pytest.raises(SpecError, match=r"id type: an agency's own numbers need its name"):
        made(["1234"], id_type=id_type)


def test_a_key_is_for_one_purpose():
    with pytest.raises(RefusedError, match=r"is for purpose early_help, not for this one"):
        made(["B801200005001"], purpose="housing")
    with pytest.raises(SpecError, match=r"purpose: is not a plain name"):
        PseudonymKey("Early help", SECRET)


@pytest.mark.parametrize(
    "secret", [b"", bytes(range(31)), bytes(range(33)), bytes(32), b"passwordpasswordpasswordpassword"]
)
def test_a_short_or_simple_secret_is_refused(secret):
    with pytest.raises(RefusedError, match=r"is too weak. Expected: 32 random bytes"):
        PseudonymKey("early_help", secret)


def test_a_key_shows_its_name_and_not_its_secret():
    assert SECRET.hex() not in repr(KEY)
    assert repr(SECRET) not in repr(KEY)
    assert re.fullmatch(r"[0-9a-f]{16}", KEY.id)
    assert KEY.id != PseudonymKey("housing", SECRET).id


def test_a_made_key_is_new_private_and_read_back(tmp_path):
    one, two = (PseudonymKey.make(tmp_path / f"{n}.key", purpose="early_help") for n in "ab")
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert one != two
    assert PseudonymKey.load(tmp_path / "a.key") == one
    assert made(["B801200005001"], key=tmp_path / "a.key").equals(made(["B801200005001"], key=one))


def test_a_key_file_is_never_written_over(tmp_path):
    PseudonymKey.make(tmp_path / "a.key", purpose="early_help")
    with pytest.raises(StorageError, match=r"Nothing is overwritten"):
        PseudonymKey.make(tmp_path / "a.key", purpose="early_help")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_refused_by_path_and_by_descriptor(tmp_path, mode):
    path = tmp_path / "a.key"
    PseudonymKey.make(path, purpose="early_help")
    path.chmod(mode)
    with pytest.raises(RefusedError, match=r"its group or everyone can read or change it"):
        PseudonymKey.load(path)
    fd = os.open(path, os.O_RDONLY)
    with pytest.raises(RefusedError, match=r"its group or everyone can read or change it"):
        PseudonymKey.load(fd)
    os.close(fd)


def piped(content):
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return read


def test_a_key_comes_through_a_pipe(tmp_path):
    key = PseudonymKey.make(tmp_path / "a.key", purpose="early_help")
    fd = piped((tmp_path / "a.key").read_bytes())
    assert PseudonymKey.load(fd) == key
    os.close(fd)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a key file"),
        (SECRET, "is not a key file"),
        (b"correct horse battery staple\n", "is not a key file"),
        (b"vru-models pseudonym key 2\nearly_help\n" + SECRET.hex().encode() + b"\n", "is not a key file"),
        (HEAD + b"ab" * 31 + b"\n" + BOUND, "is not a key file"),
        (HEAD + b"ab" * 32 + b"\n" + BOUND, "is too weak"),
        (HEAD + SECRET.hex().encode() + b"\n" + BOUND[1:], "its purpose is not the one that it was made for"),
        (HEAD + SECRET.hex().encode() + b"\n" + BOUND + b"\nhousing", "is not a key file"),
        (b"vru-models pseudonym key 1\nearly_help\n" + SECRET.hex().encode() + b"\n", OLD_FORMAT),
        (b"x" * 5_000, "is too long"),
    ],
)
def test_what_is_not_a_key_is_refused(content, why):
    fd = piped(content)
    with pytest.raises(RefusedError, match=why) as refused:
        PseudonymKey.load(fd)
    os.close(fd)
    assert not any(hidden in str(refused.value) for hidden in ("battery", SECRET.hex()))


def test_the_purpose_of_a_key_file_is_bound_to_its_secret(tmp_path):
    PseudonymKey.make(tmp_path / "a.key", purpose="early_help")
    made_as = (tmp_path / "a.key").read_text()
    (tmp_path / "a.key").write_text(made_as.replace("\nearly_help\n", "\nhousing\n"))
    with pytest.raises(RefusedError, match=r"its purpose is not the one that it was made for. Restore the file"):
        made(["B801200005001"], key=tmp_path / "a.key", purpose="housing")


def test_a_key_file_is_four_lines_of_which_the_last_is_an_hmac_of_the_purpose():
    fd = piped(HEAD + SECRET.hex().encode() + b"\n" + BOUND)
    assert PseudonymKey.load(fd) == KEY
    os.close(fd)


def test_a_rotation_maps_each_person_once_from_the_old_key_to_the_new():
    new = PseudonymKey("early_help", SECRET[::-1])
    raw = pd.Series(["B801200005001", None, "b8012 00005001", "A80120000501A"])
    mapping = rotate(raw, old=KEY, new=new, purpose="early_help", id_type="upn")
    assert mapping.columns.tolist() == ["old_pseudonym", "new_pseudonym"]
    assert mapping["old_pseudonym"].is_monotonic_increasing
    assert len(mapping) == 2
    renamed = made(raw).map(mapping.set_index("old_pseudonym")["new_pseudonym"])
    assert renamed.dropna().tolist() == made(raw, key=new).dropna().tolist()


def test_a_rotation_needs_two_keys_of_one_purpose():
    raw = pd.Series(["B801200005001"])
    with pytest.raises(RefusedError, match=r"the old key and the new one are the same"):
        rotate(raw, old=KEY, new=PseudonymKey("early_help", SECRET), purpose="early_help", id_type="upn")
    with pytest.raises(RefusedError, match=r"is for purpose housing, not for this one"):
        rotate(raw, old=KEY, new=PseudonymKey("housing", SECRET), purpose="early_help", id_type="upn")
