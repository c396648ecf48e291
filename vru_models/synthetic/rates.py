"""How often things happen and who is recorded: targets, not estimates, with the source of each.

Published rates are marked with their source. Where none is published (how strongly an event follows need, how much a
group is under-recorded) the figure is this project's and says so; nothing here is evidence about real children.
Need does not differ between ethnic groups or sexes. What is recorded does, and that is the point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ETHNICITIES: Mapping[str, tuple[str, float]] = {
    "WBRI": ("white", 24.0), "WOTH": ("white", 15.0), "WIRI": ("white", 1.0), "WROM": ("white", 0.2),
    "WIRT": ("white", 0.1), "MWBC": ("mixed", 3.5), "MWBA": ("mixed", 2.0), "MWAS": ("mixed", 2.5),
    "MOTH": ("mixed", 5.0), "AIND": ("asian", 7.0), "APKN": ("asian", 4.5), "ABAN": ("asian", 7.5),
    "AOTH": ("asian", 5.5), "CHNE": ("asian", 1.0), "BAFR": ("black", 12.0), "BCRB": ("black", 4.0),
    "BOTH": ("black", 2.0), "OOTH": ("other", 6.5), "REFU": ("unknown", 0.7), "NOBT": ("unknown", 1.3),
}  # fmt: skip
"""DfE ethnicity code: six-group roll-up (Chinese with Asian), parts of a London-like mix (scaled to add up to one)."""

_SUSPENDED = {
    "WROM": 2.9, "WIRT": 2.4, "MWBC": 1.8, "BCRB": 1.4, "BAFR": 0.5, "APKN": 0.6, "ABAN": 0.4, "AIND": 0.2, "CHNE": 0.1,
}  # fmt: skip
_SEEN_BY_HEALTH = {"black": 0.6, "asian": 0.6}

PERSISTENTLY_ABSENT: Mapping[str, float] = {
    "WROM": 0.50, "WIRT": 0.60, "MWBC": 0.28, "BCRB": 0.22, "BAFR": 0.09, "APKN": 0.18, "ABAN": 0.14, "AIND": 0.08,
    "CHNE": 0.04,
}  # fmt: skip
"""Share missing 10 % or more of sessions, by ethnicity code; everybody else 0.201 (DfE, autumn 2023)."""

ABSENT: tuple[float, float, float] = (0.201, 0.070, 0.022)
"""Share missing 10, 20, 50 % or more of sessions in a half-term: DfE persistent absence 20.1 %; the rest is ours."""


@dataclass(frozen=True)
class Process:
    """One kind of event: how often, how it follows need, who is recorded more or less often.

    Parameters
    ----------
    per_year
        Events per 100 children (or households) and year, over the whole population.
    slope
        Rise of the log rate of the other events with one standard deviation of need. This project's.
    one_off
        Share of the events that follow nothing: they befall anybody, so one says little and several say more.
    boys
        Times as often for boys as for girls.
    by_age
        Rise of the log rate with each year of age.
    policy
        Standard deviation between areas of the log rate: what local practice adds that need does not.
    recorded
        Share recorded, by ethnicity code or group, against everybody else.
    """

    per_year: float
    slope: float
    one_off: float = 0.0
    boys: float = 1.0
    by_age: float = 0.0
    policy: float = 0.0
    recorded: Mapping[str, float] = field(default_factory=dict)

    def recorded_by(self, code: str) -> float:
        """Share recorded for one ethnicity code: its own figure, else its group's, else 1."""
        return self.recorded.get(code, self.recorded.get(ETHNICITIES[code][0], 1.0))


SUSPENSION = Process(5.5, 2.2, 0.4, boys=1.5, by_age=0.12, policy=0.2, recorded=_SUSPENDED)
"""With the next: 11.31 per 100 pupils in 2023/24, boys 1.5 times (DfE); half have the reason DB."""
DISRUPTION = Process(6.0, 1.0, 0.8, boys=1.5, by_age=0.12, policy=0.9, recorded=_SUSPENDED)
EXCLUSION = Process(0.12, 2.0, boys=2.0, by_age=0.12, recorded=_SUSPENDED)
"""10,885 permanent exclusions in 2023/24 (DfE): about 0.13 per 100 pupils; boys more than twice."""

REFERRAL_ACCEPTED = Process(7.0, 1.0, by_age=0.08, recorded=_SEEN_BY_HEALTH)
"""About 8 % of under-18s in contact with services in a year, to be verified."""
REFERRAL_NOT_ACCEPTED = Process(6.0, 1.5, 0.8, by_age=0.08, recorded=_SEEN_BY_HEALTH)
CRISIS = Process(3.0, 2.3, 0.3, by_age=0.15, recorded=_SEEN_BY_HEALTH)

DOMESTIC_ABUSE = Process(9.0, 1.8, 0.7, policy=0.1)
"""Per household: 7.1 % of children aged 10 to 15 live with adult domestic abuse in a year (ONS, CSEW)."""
MISSING = Process(8.0, 2.4, 0.5, by_age=0.25)
COMING_TO_NOTICE = Process(6.0, 0.3, boys=2.0, by_age=0.2, policy=0.4, recorded={"black": 2.0, "mixed": 1.5})
"""Police-initiated: recorded 1.5 to 3 times as often for some groups at equal need."""

TEMPORARY_ACCOMMODATION = Process(4.4, 1.0, 0.8)
"""Per household: 4.4 % of London's under-18s live in temporary accommodation (mid-2023)."""
MOVE = Process(13.0, 0.5, 0.8)

NEED_FOUND = Process(30.0, 2.2, recorded={"asian": 0.9})
"""The outcome: 4 to 8 % in six months, so that a list of children can be justified at all."""
NO_NEED_FOUND = Process(7.0, 0.4)
PROTECTION_PLAN = Process(0.6, 1.9)
"""42 child protection plans per 10,000 children at a time (to be verified), each lasting under a year."""

OFFER = Process(1.0, 1.3)
"""The panel's offers while the data were collected; too few to change the base rate."""
OFFER_ACCEPTED = 0.65
OFFER_EFFECT = 1.0
TREATMENT_EFFECT = 1.5
"""Standard deviations of need taken off for a year by an accepted offer, and by treatment fully taken up."""

SHARES = {"area": 0.06, "household": 0.21, "household_now": 0.09, "person": 0.46, "person_now": 0.18}
"""Where the variance of need lies: lasting and passing, of the area, the household and the child."""
PASSING = 0.85
"""How much of what passes is left after a quarter."""
TRUST = 0.6
"""Share of the child's lasting part that is (want of) a trusted adult: the protective factor behind what is kept."""
