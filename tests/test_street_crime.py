"""The example on published street crime: what it takes from the files, and its figures against plain pandas."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vru_models import evaluate, fit
from vru_models.audit.ledger import Ledger
from vru_models.dataset import build_dataset
from vru_models.errors import SpecError
from vru_models.evaluation.ranking import capacity_table
from vru_models.events import record_events
from vru_models.feeds import read_feeds
from vru_models.spec import Spec

FOLDER = Path(__file__).parents[1] / "notebooks" / "specs" / "street_crime"
SOURCE = os.environ.get("VRU_STREET_CRIME_DIR", "")
needs_files = pytest.mark.skipif(
    not (SOURCE and Path(SOURCE).is_dir()),
    reason="VRU_STREET_CRIME_DIR does not name the folder crime_sim_toolkit of that package",
)
LEEDS_CENTRE = "E01033010"


def _script():
    loader = importlib.util.spec_from_file_location("street_crime_prepare", FOLDER / "prepare.py")
    module = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(module)
    return module


def _published(month, source=SOURCE):
    return pd.read_csv(Path(source) / _script().STREET.format(month=month))


def test_prepare_keeps_area_kind_and_month_and_nothing_else(tmp_path):
    script = _script()
    register = tmp_path / script.REGISTER
    register.parent.mkdir(parents=True)
    register.write_text(
        "Local authority name,LSOA Code,Police_force\nLeeds,E01000002,West Yorkshire\nYork,E01000009,North Yorkshire\n"
        "Leeds,E01000001,West Yorkshire\n"
    )
    for month in script.MONTHS:
        file = tmp_path / script.STREET.format(month=month)
        file.parent.mkdir(parents=True)
        file.write_text(
            "Crime ID,Month,Longitude,Latitude,Location,LSOA code,Crime type,Last outcome category\n"
            f"x,{month},-1.5,53.7,On or near A Street,E01000001,Robbery,Under investigation\n"
            f",{month},,,No location,,Anti-social behaviour,\n"
            f"y,{month},-1.5,53.7,On or near B Street,E01000009,Violence and sexual offences,\n"
        )
    assert script.prepare(tmp_path, tmp_path / "out") == {"areas": 2, "crimes": 6, "coverage": 3}
    crimes = pd.read_csv(tmp_path / "out" / "crimes.csv")
    assert crimes.to_numpy().tolist()[:2] == [
        ["2016-07-00001", "E01000001", "robbery", "2016-07-31"],
        ["2016-07-00003", "E01000009", "violence", "2016-07-31"],
    ]
    assert pd.read_csv(tmp_path / "out" / "areas.csv")["area_id"].tolist() == ["E01000001", "E01000002"]
    assert pd.read_csv(tmp_path / "out" / "coverage.csv")["end_date"].tolist() == [
        f"{y}-08-01" for y in (2016, 2017, 2018)
    ]
    feeds = read_feeds(tmp_path / "out", Spec.load(FOLDER / "next_july.toml"))
    assert len(feeds.quarantine) == 0


def test_what_police_find_by_searching_is_never_a_feature(tmp_path):
    text = (FOLDER / "next_july.toml").read_text().replace('kind = ["robbery"]', 'kind = ["weapons"]')
    (tmp_path / "schemas").symlink_to(FOLDER / "schemas")
    (tmp_path / "spec.toml").write_text(text)
    with pytest.raises(SpecError, match="'weapons' is context only and never a feature: found where police search"):
        Spec.load(tmp_path / "spec.toml")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("street_crime")
    _script().prepare(SOURCE, out / "extracts")
    spec = Spec.load(FOLDER / "next_july.toml")
    data = build_dataset(spec, record_events(read_feeds(out / "extracts", spec), spec))
    ledger = Ledger(out / "ledger.jsonl")
    run = fit(spec, data, ledger=ledger)
    return data, run, evaluate(run, data, ledger=ledger)


@needs_files
def test_the_cells_of_every_area_equal_a_plain_count(made):
    data, _, _ = made
    for year in (2016, 2017):
        this, later = _published(f"{year}-07"), _published(f"{year + 1}-07")
        rows = data.X.xs(pd.Timestamp(f"{year}-08-01"), level="as_of")
        counts = this.groupby(["LSOA code", "Crime type"]).size().unstack(fill_value=0)
        for feature, kind in (
            ("violence_count_1m", "Violence and sexual offences"),
            ("antisocial_behaviour_count_1m", "Anti-social behaviour"),
            ("theft_from_person_count_1m", "Theft from the person"),
        ):
            assert (rows[feature] == counts[kind].reindex(rows.index, fill_value=0)).all()
        violent = later[later["Crime type"] == "Violence and sexual offences"]["LSOA code"].value_counts()
        label = data.y.xs(pd.Timestamp(f"{year}-08-01"), level="as_of")
        assert (label == (violent.reindex(label.index, fill_value=0) >= 10)).all()
    centre = data.X.loc[(LEEDS_CENTRE, pd.Timestamp("2017-08-01"))]
    rows = _published("2017-07").query("`LSOA code` == @LEEDS_CENTRE")["Crime type"].value_counts()
    assert (centre["violence_count_1m"], centre["shoplifting_count_1m"]) == (
        rows["Violence and sexual offences"],
        rows["Shoplifting"],
    )


@needs_files
def test_the_figures_are_those_of_the_readme_beside_a_plain_count_of_everything(made):
    data, run, evidence = made
    table = evidence.tables["comparison"].set_index("model")
    assert (len(data.X), int(table.loc["ten_points", "positives"])) == (2776, 365)
    shown = table["precision"].round(2).to_dict()
    readme = (FOLDER / "README.md").read_text()
    for name in ("ten_points", "flag_count", "single_indicator", "logistic", "boosting", "area_only", "random"):
        assert f"| `{name}` | {shown[name]:.2f} |" in readme
    y = data.y.loc[run.scores.index].to_numpy()
    everything = _published("2017-07")["LSOA code"].value_counts()
    counted = everything.reindex(run.scores.index.get_level_values("area_id"), fill_value=0).to_numpy(dtype=float)
    plain = capacity_table(y, counted, k=47)["precision"].iloc[0]
    assert f"| a plain count of every record | {plain:.2f} |" in readme
    low, high = table.loc["ten_points", ["precision_low", "precision_high"]]
    assert low < plain < high
    not_applicable = evidence.findings.with_status("not applicable")
    assert [f.code for f in not_applicable] == ["VRU407", "VRU302"]
    assert np.isclose(evidence.headline["calibration_in_the_large"], 1.18, atol=0.01)
