"""Reshape three months of published street-level crime into an extracts folder, as a police force's own job would.

    python prepare.py SOURCE OUT

SOURCE is the folder ``crime_sim_toolkit`` of the package of that name (1.5.0), from which two things are read: the
street-level files of West Yorkshire Police for July 2016, 2017 and 2018, and the table of which area lies in which
district. OUT is made and receives one CSV file per feed and, last, extracts.toml. The rules are in README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

MONTHS = ("2016-07", "2017-07", "2018-07")
EXTRACT_DATE = "2018-08-01"
STREET = "tests/testing_data/test_policedata/{month}/{month}-west-yorkshire-street.csv"
REGISTER = "src/LSOA_data/PoliceforceLSOA.csv"
IN_FORCE_FROM = "2011-03-27"
"""The day of the census of 2011, whose areas these are."""
KINDS = {
    "Anti-social behaviour": "antisocial_behaviour",
    "Bicycle theft": "bicycle_theft",
    "Burglary": "burglary",
    "Criminal damage and arson": "criminal_damage",
    "Drugs": "drugs",
    "Other crime": "other_crime",
    "Other theft": "other_theft",
    "Possession of weapons": "weapons",
    "Public order": "public_order",
    "Robbery": "robbery",
    "Shoplifting": "shoplifting",
    "Theft from the person": "theft_from_person",
    "Vehicle crime": "vehicle_crime",
    "Violence and sexual offences": "violence",
}


def prepare(source: str | Path, out: str | Path) -> dict[str, int]:
    """Rows written per feed."""
    folder, frames = Path(out), extracts(Path(source))
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d", lineterminator="\n")
    (folder / "extracts.toml").write_text(f"extract_date = {EXTRACT_DATE}\n", encoding="utf-8")
    return {name: len(frame) for name, frame in frames.items()}


def extracts(source: Path) -> dict[str, pd.DataFrame]:
    """The feeds, one frame each."""
    return {"areas": areas(source), "crimes": crimes(source), "coverage": coverage()}


def areas(source: Path) -> pd.DataFrame:
    """The register: every LSOA of the force, with its district."""
    table = pd.read_csv(source / REGISTER)
    ours = table[table["Police_force"] == "West Yorkshire"].sort_values("LSOA Code")
    return pd.DataFrame(
        {
            "spell_id": ours["LSOA Code"] + "-2011",
            "area_id": ours["LSOA Code"],
            "area": ours["Local authority name"],
            "start_date": IN_FORCE_FROM,
            "end_date": "",
            "known_date": IN_FORCE_FROM,
        }
    )


def crimes(source: Path) -> pd.DataFrame:
    """One row per record with an area: where (the LSOA alone), what, and the last day of the month it is put in."""
    return pd.concat([_month(source, month) for month in MONTHS], ignore_index=True)


def _month(source: Path, month: str) -> pd.DataFrame:
    rows = pd.read_csv(source / STREET.format(month=month), usecols=["LSOA code", "Crime type"])
    rows["record_id"] = [f"{month}-{number:05d}" for number in range(1, len(rows) + 1)]
    placed = rows[rows["LSOA code"].notna()]
    return pd.DataFrame(
        {
            "record_id": placed["record_id"],
            "area_id": placed["LSOA code"],
            "kind": placed["Crime type"].map(KINDS),
            "month_end": pd.Period(month).end_time.normalize(),
        }
    )


def coverage() -> pd.DataFrame:
    """The three months that are there, and no other day."""
    first = pd.to_datetime(list(MONTHS))
    return pd.DataFrame(
        {
            "coverage_id": ["crimes-" + month for month in MONTHS],
            "feed": "crimes",
            "area": "*",
            "start_date": first,
            "end_date": first + pd.offsets.MonthBegin(1),
            "known_date": first,
        }
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("out")
    given = parser.parse_args()
    for name, rows in prepare(given.source, given.out).items():
        print(f"{name}: {rows:,} rows")
