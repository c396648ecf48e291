"""The label card of an outcome: who generates it, how common it is by date, what it stands for and what it does not."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
from scipy.stats import binomtest

from vru_models.dataset.dataset import Dataset
from vru_models.dataset.outcome import WHY_MISSING
from vru_models.disclosure.protect import protect
from vru_models.errors import SpecError
from vru_models.spec import Spec
from vru_models.spec.question import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COUNTS: Final = ["rows", "labelled", "positives", *WHY_MISSING[1:]]
_SAID: Final = {
    "indicators": "makes the outcome",
    "treated_by": "an offer accepted",
    "exits": "left for good",
    "reviewed_by": "somebody looked",
}
_DRIVERS: Final = {
    "child_event": "something that happened",
    "help_seeking": "somebody sought help",
    "agency_decision": "an agency decided",
    "enforcement": "enforcement",
}
_WIDTH: Final = 100


@dataclass(frozen=True, eq=False)
class LabelCard:
    """What a label is made from. Make one with :func:`label_card`.

    Parameters
    ----------
    outcome
        The declaration.
    sources
        One row per indicator that the labels are read from: ``said`` (what its events say), ``indicator, feed, agency,
        driver`` (what makes an agency record it), ``rationale``.
    by_date
        One row per as-of date: ``as_of, rows, labelled, positives``, then one column for each reason why a label is
        missing. Unprotected: for inside use.
    profile
        The small-number profile of :meth:`text`.
    """

    outcome: Outcome
    sources: pd.DataFrame
    by_date: pd.DataFrame
    profile: str

    def frame(self) -> pd.DataFrame:
        """The counts by date, with ``base_rate`` (positives of labelled; NaN where nobody is)."""
        labelled = self.by_date["labelled"].where(self.by_date["labelled"] > 0)
        return self.by_date.assign(base_rate=self.by_date["positives"] / labelled)

    def text(self) -> str:
        """The card as plain text that may leave: counts protected under the profile, rates made from these."""
        asked = self.outcome
        what = "1 event" if asked.at_least == 1 else f"{asked.at_least} events"
        seen = "everybody" if asked.ascertainment == "all" else "those reviewed alone; nobody else has a label"
        words = {
            "Stands for": asked.statement,
            "Does not stand for": asked.not_a_measure_of,
            "Counted": f"1 where {what} or more fell into the {asked.horizon} that begin {asked.embargo} after the "
            f"as-of date, as known {asked.reporting_lag} after that; 0 where fewer did",
            "Seen for": seen,
        }
        told = protect(
            self.by_date.assign(as_of=self.by_date["as_of"].dt.strftime("%Y-%m-%d")),
            counts=_COUNTS,
            rates={"base_rate": ("positives", "labelled")},
            profile=self.profile,
        ).text()
        held = told.loc[:, [c not in WHY_MISSING or bool((self.by_date[c] > 0).any()) for c in told.columns]]
        parts = [f"Label card: {asked.name}", "", *(_wrapped(name, said) for name, said in words.items()), ""]
        parts += ["Who generates it", _lined(self.sources.drop(columns="rationale")), ""]
        parts += [f"By as-of date (small-number profile {self.profile})", _lined(held)]
        return "\n".join(parts)

    def plot(self) -> Figure:
        """The share with the outcome on each as-of date and its 95 % interval, with how many have a label."""
        from matplotlib.figure import Figure  # noqa: PLC0415  matplotlib is loaded only to draw

        table = self.frame().dropna(subset=["base_rate"])
        rate, low, high = table["base_rate"], *_wilson(table)
        figure = Figure(figsize=(max(5.0, 1.2 + 0.9 * len(table)), 3.6), layout="constrained")
        ax = figure.subplots()
        ax.errorbar(range(len(table)), rate, [rate - low, high - rate], color="#222222", fmt="o", capsize=3)
        for x, (n, top) in enumerate(zip(table["labelled"], high, strict=True)):
            ax.annotate(f"{n:,}", (x, top), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8)
        ax.set_xticks(range(len(table)), table["as_of"].dt.strftime("%Y-%m-%d").tolist())
        ax.set_xlim(-0.5, max(len(table) - 0.5, 0.5))
        ax.set_ylim(0, 1.25 * float(high.max()) if len(table) else 1)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set(xlabel="as-of date", ylabel="share with the outcome")
        ax.set_title(f"{self.outcome.name}: share with it, 95 % interval, and how many have a label", loc="left")
        return figure

    def __repr__(self) -> str:
        sums = self.by_date[["rows", "labelled", "positives"]].sum()
        return (
            f"LabelCard({self.outcome.name}: {sums['rows']:,} rows on {len(self.by_date)} as-of dates, "
            f"{sums['labelled']:,} labelled, {sums['positives']:,} positive)"
        )


def label_card(spec: Spec, data: Dataset, outcome: str | None = None) -> LabelCard:
    """The label card of an outcome; by default of the one that is asked about.

    Parameters
    ----------
    outcome
        The name of one of ``spec.outcomes``.

    Raises
    ------
    SpecError
        No outcome has that name.

    Examples
    --------
    >>> label_card(Spec.example("early_help"), None, "arrests")
    Traceback (most recent call last):
        ...
    vru_models.errors.SpecError: outcome: 'arrests' is not known. Expected: one of support_need.
    """
    known = {asked.name: asked for asked in spec.outcomes}
    name = outcome or spec.outcome.name
    if name not in known:
        raise SpecError.unknown("outcome", name, known)
    return LabelCard(known[name], _sources(spec, known[name]), _by_date(data, spec, name), spec.disclosure.profile)


def label_columns(spec: Spec, name: str) -> tuple[str, str]:
    """The columns of ``Dataset.rows`` that hold the label of an outcome, and why it is missing."""
    return ("y", "why_missing") if name == spec.outcome.name else (f"y_{name}", f"why_missing_{name}")


def _sources(spec: Spec, outcome: Outcome) -> pd.DataFrame:
    rows = []
    for part, said in _SAID.items():
        for name in getattr(outcome, part):
            indicator = spec.indicators[name]
            agency, driver = spec.table_of(indicator.feed).x_vru.agency, _DRIVERS[indicator.activity_driver]
            rows.append((said, name, indicator.feed, agency, driver, indicator.rationale))
    return pd.DataFrame(rows, columns=["said", "indicator", "feed", "agency", "driver", "rationale"])


def _by_date(data: Dataset, spec: Spec, name: str) -> pd.DataFrame:
    y, why = (data.rows[column] for column in label_columns(spec, name))
    counts = {"rows": y.groupby("as_of").size(), "labelled": y.groupby("as_of").count()}
    counts["positives"] = (y == 1).groupby("as_of").sum().astype(int)
    counts |= {reason: (why == reason).groupby("as_of").sum().astype(int) for reason in WHY_MISSING[1:]}
    return pd.DataFrame(counts).reset_index()


def _wilson(table: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """The 95 % interval of each date's rate; each person has one row a date."""
    both = zip(table["positives"], table["labelled"], strict=True)
    ends = [binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in both]
    low, high = (pd.Series([float(getattr(e, end)) for e in ends], index=table.index) for end in ("low", "high"))
    return low, high


def _wrapped(name: str, said: str) -> str:
    return textwrap.fill(f"{name}: {said}", _WIDTH, subsequent_indent="  ")


def _lined(table: pd.DataFrame) -> str:
    return textwrap.indent(table.to_string(index=False), "  ")
