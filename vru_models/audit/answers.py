"""Answers to findings that stand in the way: a named person's reason, by code, or by code and what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from vru_models.findings import Finding, Findings

LEAST_REASON: Final = 10
"""Characters below which an answer gives no reason."""

ADVICE: Final = (
    f"A finding may be answered with a reason of {LEAST_REASON} characters or more, by its code or for one thing it is "
    "about (overrides={code: reason}, or --override 'CODE=reason' or 'CODE:where=reason')."
)


def unanswered(findings: Findings, given: Mapping[str, str]) -> list[str]:
    """A line per finding that fails or cannot tell and has no answer, and per answer without a reason or a need.

    Parameters
    ----------
    given
        ``{"VRU302": reason}`` answers every finding with that code, ``{"VRU302:sex": reason}`` the one about ``sex``.

    Examples
    --------
    >>> found = Findings([Finding("VRU302", "cannot tell", "sex", "41 are too few")])
    >>> unanswered(found, {})
    ['VRU302 cannot tell, sex: 41 are too few']
    >>> unanswered(found, {"VRU302:sex": "reviewed by the equality lead", "VRU501": "known and accepted"})
    ['overrides.VRU501: nothing with this code stands in the way']
    """
    shut = findings.with_status("fail", "cannot tell")
    lines = [f"{f.code} {f.status}, {f.where}: {f.message}" for f in shut if not set(_keys(f)) & set(given)]
    needed = {key for f in shut for key in _keys(f)}
    lines += [f"overrides.{key}: nothing with this code stands in the way" for key in given if key not in needed]
    short = [key for key, reason in given.items() if len(reason.strip()) < LEAST_REASON]
    return lines + [f"overrides.{key}: gives no reason of {LEAST_REASON} characters or more" for key in short]


def hold_a_pseudonym(texts: Iterable[str], *people: Iterable[str]) -> bool:
    """Whether a text that goes into the ledger, which holds nobody, has the pseudonym of one of these people in it.

    Examples
    --------
    >>> [hold_a_pseudonym([text], ["c0ffee"]) for text in ("late; c0ffee is missing", "c0ffees are late")]
    [True, False]
    """
    words = {word for text in texts for word in re.findall(r"[\w-]+", text)}
    return any(not words.isdisjoint(ids) for ids in people)


def names_somebody(by: str) -> bool:
    """Whether a text can be the name and role of a person: one line of more than three characters."""
    return len(by.strip()) > 3 and by.isprintable()


def _keys(finding: Finding) -> tuple[str, str]:
    return finding.code, f"{finding.code}:{finding.where}"
