"""What the name of a column says: that it holds a direct identifier, and whether it may be shown."""

from __future__ import annotations

import re
from itertools import pairwise

from vru_models.identifiers.rules import COMMON_NAME

# fmt: off
_ANYWHERE = frozenset({
    "upn", "uln", "dob", "birth", "birthdate", "birthday", "postcode", "postcodes", "postalcode", "pcode",
    "surname", "surnames", "forename", "forenames", "sname", "fname", "firstname", "lastname", "fullname", "initials",
    "alias", "aliases", "aka", "address", "addresses", "addr", "uprn", "pnc", "pncid", "crn", "noms", "nomis", "email",
    "emailaddress", "phone", "phonenumber", "telephone", "tel", "nino", "ninumber", "nhsnumber", "nhsno",
    "dateofbirth", "passport", "latitude", "longitude", "easting", "eastings", "northing", "northings", "coordinates",
    "lachildid",
})
_FREE_TEXT = frozenset({"notes", "comment", "comments", "remarks", "narrative", "freetext"})
_LAST = frozenset({"nhs", "cro", "urn", "ni", "chi", "scn", "mobile", "street"})
_PHRASES = (
    "nat ins", "first name", "first names", "last name", "full name", "full names", "given name", "given names",
    "family name", "middle name", "middle names", "preferred name", "former name", "known as", "d o b", "post code",
    "national insurance", "nhs number", "nhs no", "nhs num", "nhs id", "ni number", "ni no", "unique pupil",
    "unique learner", "la child id", "hospital number", "hospital no", "prison number", "candidate number",
    "community health index", "house number", "house no", "driving licence", "grid ref", "grid reference",
    "free text", "e mail", "emergency contact",
)
_PEOPLE = frozenset({
    "person", "child", "pupil", "student", "client", "patient", "resident", "user", "parent", "carer", "guardian",
    "mother", "father", "mothers", "fathers", "sibling", "victim", "suspect", "offender", "worker", "teacher", "gp",
})
_WHOLE = frozenset({"name", "names", "mail", "lat", "lon", "lng", "long lat", "lat long", "x coord", "y coord"})
_HARMLESS = frozenset({
    "change", "changes", "changed", "moves", "moved", "calls", "received", "sent", "fixed",
    "month", "months", "year", "years", "weight", "order", "country", "place", "rate", "decile", "region", "type",
    "kind", "status", "valid", "flag", "sex", "gender", "age", "consent",
})
# fmt: on
_TAIL = frozenset({"number", "no", "num", "id", "code", "value", "text", "line", "sector"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./()-]{0,39}")
_MOST_DIGITS = 4


def names_identifier(name: str) -> bool:
    """Whether a column's name says that it holds a direct identifier.

    A word such as ``upn`` says so anywhere, unless another, such as ``changes`` or ``month``, says that it is only a
    matter of it; a word that means other things as well (``nhs``, ``chi``) only at the end. Words are told apart by
    what is no letter and by capitals within.

    Examples
    --------
    >>> names = "pupil_upn", "BirthDate", "D_O_B", "address_line_1", "birth_month", "n_address_changes", "nhs_region"
    >>> [names_identifier(name) for name in names]
    [True, True, True, True, False, False, False]
    """
    apart = re.sub(r"([a-z])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    return any(_says(re.findall(r"[a-z]+", text.lower())) for text in (name, apart))


def _says(words: list[str]) -> bool:
    if words[:1] == ["n"] or words[:2] == ["number", "of"] or "count" in words:
        return False
    if _FREE_TEXT.intersection(words):
        return True
    if _HARMLESS.intersection(words):
        return False
    phrase = f" {' '.join(words)} "
    if _ANYWHERE.intersection(words) or any(f" {known} " in phrase for known in _PHRASES) or _names_people(words):
        return True
    while len(words) > 1 and words[-1] in _TAIL:
        words = words[:-1]
    return " ".join(words) in _WHOLE or (bool(words) and words[-1] in _LAST)


def _names_people(words: list[str]) -> bool:
    """Whether a name stands beside somebody: ``mother_name``, ``name_of_child``, not ``child_school_name``."""
    beside = [{*pair} for pair in pairwise(word for word in words if word != "of")]
    return any(pair & {"name", "names"} and pair & _PEOPLE for pair in beside)


def is_plain(name: str) -> bool:
    """Whether a column's name may be shown: a header may be somebody's record or a note about them.

    Plain is a name of at most 40 letters, digits, blanks and ``_ . - / ( )`` with no more than four digits in which
    none of the common names of people stands.
    """
    few = sum(c.isdigit() for c in name) <= _MOST_DIGITS
    named = re.search(COMMON_NAME, re.sub(r"[_\d]", " ", name.upper()))
    return bool(_PLAIN.fullmatch(name) and few and not named)


def heading(names: list[str], at: int) -> str:
    """A column's name where it is plain, or its number.

    Examples
    --------
    >>> [heading(["ref", "Alice O'Hara; born 12/03/2010"], at) for at in (0, 1)]
    ['ref', 'number 2 (its name is not plain)']
    """
    return names[at] if is_plain(names[at]) else f"number {at + 1:,} (its name is not plain)"
