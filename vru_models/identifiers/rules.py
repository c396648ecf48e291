"""What each direct identifier looks like: its form, its check digit, and how often chance passes for it.

Check digits and patterns: NHS Data Dictionary (NHS number), National Records of Scotland (CHI number), Department for
Education (UPN), Learning Records Service (ULN), Department for Work and Pensions (National Insurance number), Royal
Mail (postcode), Home Office and HM Prison and Probation Service (PNC, CRO, CRN and NOMS numbers).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from stdnum.gb import upn

_POLICE_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_L = "[A-HJ-NP-RT-Z]"
_NINO = r"[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]\d{6}"
_NINO_UNUSED = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
_OUT, _IN = "[A-PR-UWYZ]", r"\d[ABD-HJLNP-UW-Z]{2}"
_OUTWARD = rf"(?:{_OUT}\d[ABCDEFGHJKPSTUW]?|{_OUT}\d{{2}}|{_OUT}[A-HK-Y]\d[ABEHMNPRVWXY]?|{_OUT}[A-HK-Y]\d{{2}})"
_AREAS = (
    "A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]"
    "|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE"
)
_PHONE = r"1[1-9]\d{7,8}|2[03489]\d{8}|7[1-9]\d{8}"
_MOBILE = r"7[1-9]\d{8}"
_DRIVING = r"[A-Z9]{5}\d(?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12]\d|3[01])\d[A-Z9]{2}[A-Z\d][A-Z]{2}(?:\d{2})?"
_SQUARE = "(?:H[PT-UW-Z]|N[A-DF-HJ-OR-UW-Z]|OV|S[C-EHJ-PR-Z]|T[AFGLMQRV])"
_NORTH, _WEST = r"(?:49|5\d|60)\.\d{2,}", r"(?:-[0-8]|-?[01])\.\d{2,}"
_APART = r"[\s,;/|]+"
_TEN_DIGITS = r"\d{3}[ ._/-]?\d{3}[ ._/-]?\d{4}|\d,\d{3},\d{3},\d{3}"
_UPN_PARTS = rf"{_L}[ ._/-]?\d{{3}}[ ._/-]?\d{{4}}[ ._/-]?\d{{2}}[ ._/-]?\d{{2}}(?:\d|{_L})"
_PHONE_PARTS = r"(?:\+44|0044|0)[ /()-]*\d(?:[ ./()-]*\d){8,10}"
_PAIR = f"{_NORTH}{_APART}{_WEST}|{_WEST}{_APART}{_NORTH}"
_CODE_LIST = "a code list may look the same"


@dataclass(frozen=True)
class Rule:
    """Of a column's distinct values of the form ``among`` (all, when empty), the share that is valid.

    Valid is what matches ``pattern`` and passes ``check``; ``chance`` is the share that would be by chance and
    ``least`` the share below which a weak form says nothing. ``lengths`` are the first and last length to look at.
    ``inside`` is how it is written, with its separators, as a part of a longer value: beside the number of a row, or
    behind a label. ``doubt`` is why the rule alone does not tell. ``running`` is a form without a check digit that
    numbers of records take as well; whoever numbers them shares the letters and leaves few numbers out.

    Chance is that of values whose characters are random: 1 of 11 or 23 check digits is right; 26 letters or 10 digits
    stand where the form allows so many of them (such as 0.56 of pairs of letters for a National Insurance number, 57 of
    676 for a grid square, 0.09 of two first digits for a mobile). Where no share is known, it is set well above what
    random letters and digits give.
    """

    name: str
    chance: float
    lengths: tuple[int, int]
    among: str = ""
    pattern: str = ""
    check: Callable[[str], bool] | None = None
    least: float = 0.0
    inside: str = ""
    doubt: str = ""
    running: bool = False


def is_nhs(number: str) -> bool:
    """Whether ten digits are an NHS (or CHI) number.

    Examples
    --------
    >>> is_nhs("9434765870"), is_nhs("9434765871")
    (True, False)
    """
    return _weighted(number) == 0


def _weighted(number: str) -> int:
    """The sum of ten digits, weighted 10 down to 1, modulo 11; 2,640 is what their codes, from 48 on, have too many."""
    a, b, c, d, e, f, g, h, i, j = number.encode()
    return (10 * a + 9 * b + 8 * c + 7 * d + 6 * e + 5 * f + 4 * g + 3 * h + 2 * i + j - 2_640) % 11


def is_uln(number: str) -> bool:
    """Whether ten digits are a unique learner number: the weighted sum of the NHS number leaves 10, not 0."""
    return _weighted(number) == 10


def is_chi(number: str) -> bool:
    """Whether ten digits are a CHI number: a day of birth (DDMMYY), then an NHS check digit."""
    return _is_day(number[:6]) and is_nhs(number)


def _is_day(digits: str) -> bool:
    day, month, year = (int(digits[i : i + 2]) for i in (0, 2, 4))
    try:
        dt.date(2000 + year, month, day)
    except ValueError:
        return False
    return True


def is_upn(number: str) -> bool:
    """Whether thirteen characters are a unique pupil number, permanent or temporary.

    Examples
    --------
    >>> is_upn("B801200005001"), is_upn("A80120000501A"), is_upn("A801200005001")
    (True, True, False)
    """
    return upn.calc_check_digit(number[1:]) == number[0]


def is_nino(number: str) -> bool:
    """Whether the letters of a National Insurance number are in use; it has no check digit."""
    return not number.startswith(_NINO_UNUSED)


def is_pnc(number: str) -> bool:
    """Whether a PNC ID's letter is right: year (its last two digits) and serial of seven digits, modulo 23.

    Without a slash the year may be two digits or four; either may be meant.

    Examples
    --------
    >>> is_pnc("1979/0163001B"), is_pnc("81/34U"), is_pnc("2001/0171310S")
    (True, True, False)
    """
    head, letter = number[:-1], number[-1]
    year, slash, serial = head.partition("/")
    splits = [(year, serial)] if slash else [(head[:n], head[n:]) for n in (2, 4) if 0 < len(head) - n <= 7]
    return any(_POLICE_LETTERS[int(y[-2:] + s.zfill(7)) % 23] == letter for y, s in splits)


def is_cro(number: str) -> bool:
    """Whether a CRO number's letter is right; the serial of a ``SF`` number is not padded.

    Examples
    --------
    >>> is_cro("000001/99W"), is_cro("SF05/482703J"), is_cro("000001/99A")
    (True, True, False)
    """
    first, _, second = number[:-1].partition("/")
    digits = first[2:] + second if first.startswith("SF") else second + first.zfill(6)
    return _POLICE_LETTERS[int(digits) % 23] == number[-1]


RULES = (
    Rule("NHS number", 1 / 11, (10, 10), r"\d{10}", check=is_nhs, inside=_TEN_DIGITS),
    Rule("CHI number", 1 / 11, (10, 10), r"(?:[0-2]\d|3[01])(?:0[1-9]|1[0-2])\d{6}", check=is_chi, inside=_TEN_DIGITS),
    Rule("unique learner number", 1 / 11, (10, 10), r"[1-9]\d{9}", check=is_uln, inside=_TEN_DIGITS),
    Rule("unique pupil number", 1 / 23, (13, 13), rf"{_L}\d{{11}}(?:\d|{_L})", check=is_upn, inside=_UPN_PARTS),
    Rule("National Insurance number", 0.09, (9, 9), r"[A-Z]{2}\d{6}[A-Z]", rf"{_NINO}[A-D]", is_nino),
    Rule("National Insurance number without its suffix", 0.56, (8, 8), r"[A-Z]{2}\d{6}", _NINO, is_nino, running=True),
    Rule("PNC ID", 1 / 23, (5, 13), rf"(?:\d{{2}}|\d{{4}})/\d{{1,7}}{_L}", check=is_pnc),
    Rule("PNC ID without its slash", 2 / 23, (4, 12), rf"\d{{3,11}}{_L}", check=is_pnc),
    Rule("CRO number", 1 / 23, (5, 12), rf"\d{{1,6}}/\d{{2}}{_L}|SF\d{{2}}/\d{{1,6}}{_L}", check=is_cro),
    Rule("probation CRN", 0.5, (7, 7), pattern=r"[A-Z]\d{6}", least=0.95, running=True),
    Rule("NOMS number", 0.05, (7, 7), pattern=r"[A-Z]\d{4}[A-Z]{2}", running=True),
    Rule("driving licence number", 0.001, (16, 18), pattern=_DRIVING),
    Rule("postcode", 0.05, (5, 7), pattern=f"GIR0AA|{_OUTWARD}{_IN}", inside=f"{_OUTWARD}[ ._-]?{_IN}"),
    Rule("postcode sector", 0.5, (3, 5), pattern=rf"(?:{_AREAS})\d[A-Z\d]?\d", least=0.95),
    Rule("postcode district", 0.5, (2, 4), pattern=rf"(?:{_AREAS})\d[A-Z\d]?", least=0.95, doubt=_CODE_LIST),
    Rule("e-mail address", 0.001, (5, 320), pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    Rule(
        "UK phone number",
        0.26,
        (10, 15),
        r"(?:\+44|0044|0)\d{9,11}",
        rf"(?:(?:\+44|0044)0?|0)(?:{_PHONE})",
        inside=_PHONE_PARTS,
        running=True,
    ),
    Rule("UK mobile number without its first 0", 0.09, (10, 10), r"\d{10}", _MOBILE, least=0.9, running=True),
    Rule("pair of coordinates", 0.001, (9, 60), pattern=r"[1-6]\d{5}[,;]\d{5,7}", inside=_PAIR),
    Rule("grid reference", 0.1, (8, 12), pattern=rf"{_SQUARE}(?:\d{{6}}|\d{{8}}|\d{{10}})", least=0.95, running=True),
)
"""Tried on values in upper case without spaces, hyphens, brackets, quotes and a decimal part of noughts."""

# Given names common among children born in England and Wales from 1996 to 2014, and family names, without those that
# are words or places as well (after the Office for National Statistics' yearly lists; to be verified).
COMMON_NAME = (
    r"\b(?:"
    "OLIVER|JACK|HARRY|JOSHUA|ALFIE|THOMAS|DANIEL|SAMUEL|WILLIAM|JOSEPH|JAMES|CHARLIE|LUKE|CALLUM|MATTHEW|ETHAN|"
    "JAKE|BENJAMIN|MOHAMMED|MUHAMMAD|MOHAMMAD|MOHAMED|LIAM|CONNOR|CONOR|NATHAN|ADAM|DYLAN|RYAN|LEWIS|ALEXANDER|"
    "MICHAEL|LOGAN|TYLER|JACOB|NOAH|LEO|OSCAR|ARCHIE|FREDDIE|HENRY|EDWARD|ISAAC|AARON|KIERAN|KYLE|REECE|RHYS|"
    "BRANDON|CAMERON|OWEN|SEBASTIAN|HARVEY|TOBY|DAVID|ROBERT|CHRISTOPHER|JONATHAN|ANDREW|ALI|AHMED|IBRAHIM|YUSUF|"
    "HAMZA|BILAL|OMAR|ABDUL|ABDULLAH|KAI|FINLEY|RILEY|AMELIA|OLIVIA|EMILY|JESSICA|SOPHIE|LUCY|CHLOE|MEGAN|HANNAH|"
    "LAUREN|KATIE|ELLIE|MOLLY|ISABELLA|ISABELLE|ABIGAIL|LEAH|EMMA|REBECCA|RACHEL|SARAH|LAURA|NICOLE|BETHANY|"
    "SHANNON|COURTNEY|CAITLIN|PAIGE|ELEANOR|MILLIE|EVIE|FREYA|MATILDA|LOLA|AALIYAH|AISHA|FATIMA|MARYAM|ZAINAB|"
    "AMINA|KHADIJA|SAMANTHA|NATASHA|JASMINE|ZARA|MIA|ELLA|ALICE|NATALIE|VICTORIA|SMITH|JONES|WILLIAMS|DAVIES|"
    "EVANS|JOHNSON|ROBERTS|ROBINSON|THOMPSON|HUGHES|EDWARDS|WILSON|ANDERSON|PATEL|KHAN|HUSSAIN|BEGUM|SINGH|KAUR|"
    "SHAH|RAHMAN|CHOWDHURY|OKAFOR|MENSAH|KOWALSKI|NGUYEN|OBRIEN|O'BRIEN|MURPHY|MACDONALD|STEWART"
    r")\b"
)
"""In upper case: a name that many people share."""
