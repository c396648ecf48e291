import dataclasses
import json
import re
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import world as worlds
from threadpoolctl import threadpool_limits

from vru_models.evidence import Evidence, evaluate, fit
from vru_models.evidence.public_findings import public
from vru_models.evidence.published import _ceiling, _limits, _testable, _trained_on, _with_intervals, published
from vru_models.findings import Finding
from vru_models.spec.digest import canonical_json

COUNTS = {
    "comparison": ["n", "n_labelled", "positives", "listed_labelled", "listed_positives", "missed"],
    "by_split": ["n", "n_labelled", "positives", "listed_labelled", "listed_positives", "missed"],
    "reliability": ["n", "n_labelled", "positives"],
    "labels": ["in_view", "eligible", "routed", "objecting", "labelled", "positives", "treated"],
    "groups": [
        "n", "n_labelled", "positives", "selected", "selected_labelled", "selected_positives", "unlisted_labelled",
        "missed",
    ],
}  # fmt: skip
RATES = {
    "comparison": {
        "precision": ("listed_positives", "listed_labelled"),
        "recall": ("listed_positives", "positives"),
        "base_rate": ("positives", "n_labelled"),
    },
    "reliability": {"observed": ("positives", "n_labelled")},
    "groups": {
        "selection_rate": ("selected", "n"),
        "recall": ("selected_positives", "positives"),
        "precision": ("selected_positives", "selected_labelled"),
        "false_omission_rate": ("missed", "unlisted_labelled"),
    },
}
RATES["by_split"] = RATES["comparison"]
HIDDEN = {"redacted", "not testable", "undefined", ""}


@pytest.fixture(scope="module")
def made():
    module = sys.modules["vru_models.evidence.evaluate"]
    before, module.N_REPLICATES = module.N_REPLICATES, 60
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        declared = worlds.spec(
            **{
                "capacity.k": 100,
                "fairness.sensitive": ["sex", "ethnicity"],
                "fairness.limits": {"recall": 0.1, "precision": 0.2},
            }
        )
        data = worlds.dataset(declared, n=600, y=lambda d, v: np.where(np.arange(600) % 40 == 7, np.nan, v))
        people = [f"p{i:04d}" for i in range(600)]
        ethnicity = ["WBRI"] * 500 + ["BCRB"] * 80 + ["AIND"] * 14 + ["MWBC"] * 6
        sensitive = pd.DataFrame({"person_id": people, "sex": ["F", "M"] * 300, "ethnicity": ethnicity})
        run = fit(declared, data)
        evidence = evaluate(run, data, sensitive=sensitive)
    module.N_REPLICATES = before
    return run, evidence, published(run, evidence)


@pytest.fixture(scope="module")
def record(made):
    return made[2]


def frames(record):
    return {name: pd.DataFrame(t["rows"], columns=t["columns"]) for name, t in record["tables"].items()}


def number(cell):
    return float(cell.replace(",", "")) if re.fullmatch(r"[\d,]+(\.\d+)?", cell) else float("nan")


def test_every_count_is_redacted_or_a_multiple_of_5_and_never_from_1_to_7(record):
    shown = 0
    for name, table in frames(record).items():
        for column in COUNTS.get(name, []):
            for cell in table[column]:
                assert cell == "redacted" or (number(cell) % 5 == 0 and number(cell) > 7), (name, column, cell)
                shown += cell != "redacted"
    assert shown > 100


def test_every_number_of_people_in_a_table_is_a_declared_count(record):
    free = {
        "split", "model", "role", "places", "auc", "band", "mean_probability", "as_of", "candidate", "mean_precision",
        "mean_distance", "picked", "regret", "against", "difference_in_precision", "interval_95", "attribute", "group",
    }  # fmt: skip
    for name, table in frames(record).items():
        known = {*COUNTS.get(name, ()), *RATES.get(name, ()), *free}
        rest = {c for c in table.columns if c not in known and not c.endswith(("_95", "_verdict"))}
        assert rest == set(), name


def test_every_rate_is_the_ratio_of_the_counts_beside_it(record):
    shown = 0
    for name, rates in RATES.items():
        for _, row in frames(record)[name].iterrows():
            for rate, (part, whole) in rates.items():
                if row[rate] not in HIDDEN:
                    assert number(row[rate]) == pytest.approx(number(row[part]) / number(row[whole]), abs=5.1e-3)
                    shown += 1
                else:
                    assert "redacted" in (row[part], row[whole])
    assert shown > 50


def test_a_rate_has_a_third_decimal_only_where_it_rests_on_a_thousand_people():
    shown = pd.DataFrame({"part": ["10", "20", "redacted"], "whole": ["995", "1,000", "50"], "rate": ["0.01"] * 3})
    table = pd.DataFrame({"rate": [0.0101, 0.0199, 0.1], "rate_low": [0.0091, 0.0172, 0.0], "rate_high": [0.02] * 3})
    found = _with_intervals(shown.assign(rate=["0.010", "0.020", "not testable"]), table, {"rate": ("part", "whole")})
    assert found["rate"].tolist() == ["0.01", "0.020", "not testable"]
    assert found["rate_95"].tolist() == ["0.01 to 0.02", "0.017 to 0.020", ""]


def test_an_interval_has_the_decimals_of_its_rate_and_holds_it(record):
    seen = 0
    for name in ("comparison", "groups"):
        table = frames(record)[name]
        for column in [c for c in table if c.endswith("_95")]:
            for rate, interval in zip(table[column.removesuffix("_95")], table[column], strict=True):
                if interval:
                    low, high = interval.split(" to ")
                    assert len(low) == len(high) == len(rate)
                    assert float(low) <= float(rate) <= float(high)
                    seen += 1
    assert seen > 10


def test_the_interval_of_a_difference_holds_it_in_the_same_form(record):
    shown = frames(record)["against"]
    shown = shown[shown["interval_95"] != ""]
    assert len(shown)
    for difference, interval in zip(shown["difference_in_precision"], shown["interval_95"], strict=True):
        low, high = interval.split(" to ")
        assert {figure[0] for figure in (difference, low, high)} <= {"+", "-"}
        assert len(low) == len(high) == len(difference)
        assert float(low) <= float(difference) <= float(high)


def test_what_was_found_and_what_was_missed_are_hidden_together(record):
    for name, found in (("comparison", "listed_positives"), ("by_split", "listed_positives"),
                        ("groups", "selected_positives")):  # fmt: skip
        table = frames(record)[name]
        assert ((table["missed"] == "redacted") == (table[found] == "redacted")).all()


def test_a_small_group_is_hidden_in_every_column_and_its_verdict_is_not_testable(record):
    table = frames(record)["groups"].set_index("group")
    assert table.loc["MWBC", "n"] == "redacted"
    assert set(table.loc["MWBC", ["recall", "precision", "selection_rate", "recall_verdict", "precision_verdict"]]) == {
        "not testable"
    }
    assert set(table.loc["MWBC", ["recall_95", "precision_95", "false_omission_rate_95"]]) == {""}


def test_an_interval_is_laid_around_the_rate_that_is_shown(made, record):
    raw, shown = made[1].frame().set_index("model"), frames(record)["comparison"].set_index("model")
    seen = 0
    for model, row in shown.iterrows():
        for rate in ("precision", "recall"):
            if row[rate] in HIDDEN:
                assert row[f"{rate}_95"] == ""
                continue
            low, high = map(float, row[f"{rate}_95"].split(" to "))
            part, whole = RATES["comparison"][rate]
            middle = number(row[part]) / number(row[whole])
            assert low == pytest.approx(middle + raw.loc[model, f"{rate}_low"] - raw.loc[model, rate], abs=6e-3)
            upper = min(middle + raw.loc[model, f"{rate}_high"] - raw.loc[model, rate], 1.0)
            assert high == pytest.approx(upper, abs=6e-3)
            seen += 1
    assert seen > 6


def test_what_the_card_was_trained_on_is_protected(made, record):
    told, true = record["trained_on"], made[0].trained_on
    assert told["dates"] == str(true["dates"])
    for name in ("rows", "people", "positives"):
        assert number(told[name]) == pytest.approx(true[name], abs=2.5)
        assert number(told[name]) % 5 == 0


def test_few_people_trained_on_are_not_counted():
    counts = {"rows": 40, "people": 6, "positives": 3, "dates": 8}
    assert _trained_on(counts, "opensafely") == {
        "rows": "40",
        "people": "redacted",
        "positives": "redacted",
        "dates": "8",
    }


def test_each_limit_stands_beside_everyones_figure_and_is_warned_of_where_no_smaller(made, record):
    run = made[0]
    assert [(row["measure"], row["limit"], row["warning"]) for row in record["limits"]] == [
        ("recall", "0.1", ""),
        ("precision", "0.2", ""),
    ]
    row = frames(record)["comparison"].set_index("model").loc[run.winner]
    assert [limit["everyone"] for limit in record["limits"]] == [
        f"{number(row['listed_positives']) / number(row[whole]):.2f}" for whole in ("positives", "listed_labelled")
    ]
    wide = run.spec.model_copy(update={"fairness": run.spec.fairness.model_copy(update={"limits": {"recall": 0.99}})})
    (warned,) = _limits(dataclasses.replace(run, spec=wide), frames(record)["comparison"])
    assert warned["warning"].startswith("the limit (0.99) is no smaller than the recall itself")


def test_calibration_in_the_large_is_that_of_the_bands_and_counts_that_are_shown(record):
    bands, head = frames(record)["reliability"], record["headline"]
    shown = bands[bands["n_labelled"].map(number).notna()]
    people, chance = shown["n_labelled"].map(number), shown["mean_probability"].map(number)
    assert head["mean_chance"] == f"{100 * (people * chance).sum() / people.sum():.1f} %"
    row = frames(record)["comparison"].set_index("model").loc[head["model"]]
    assert head["base_rate"] == f"{100 * number(row['positives']) / number(row['n_labelled']):.1f} %"


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ("+0.01 to +0.14", "worse"),
        ("-0.14 to -0.01", "better"),
        ("-0.04 to +0.04", "not told apart"),
        ("+0.00 to +0.04", "not told apart"),
        ("", "not testable"),
    ],
)
def test_the_ceiling_is_better_or_worse_by_the_interval_that_is_shown(interval, said):
    assert _ceiling(pd.DataFrame({"against": ["random", "boosting"], "interval_95": ["", interval]})) == said


def test_a_number_is_never_a_zero_below_zero():
    assert (_testable(-0.001, "+.2f"), _testable(-0.004, "+.3f"), _testable(float("nan"))) == (
        "+0.00",
        "-0.004",
        "not testable",
    )


def test_the_headline_is_made_from_the_table_of_comparison(record):
    head = record["headline"]
    row = frames(record)["comparison"].set_index("model").loc[head["model"]]
    assert {head[k] for k in ("precision", "recall", "positives", "missed")} == {
        row[k] for k in ("precision", "recall", "positives", "missed")
    }
    assert float(head["number_needed_to_review"]) == pytest.approx(
        number(row["listed_labelled"]) / number(row["listed_positives"]), abs=0.06
    )
    assert float(head["lift"]) == pytest.approx(number(row["precision"]) / number(row["base_rate"]), abs=0.06)


def test_differences_are_those_of_the_rates_that_are_shown(record):
    table = frames(record)["comparison"].set_index("model")
    shown = table["listed_positives"].map(number) / table["listed_labelled"].map(number)
    chosen = record["headline"]["model"]
    for _, row in frames(record)["against"].iterrows():
        if row["difference_in_precision"] not in HIDDEN:
            assert float(row["difference_in_precision"]) == pytest.approx(
                shown[chosen] - shown[row["against"]], abs=6e-3
            )


def test_the_choice_and_its_regret_are_those_of_the_rates_that_are_shown(record):
    tables = frames(record)
    before = tables["by_split"][tables["by_split"]["split"] < record["headline"]["as_of"]]
    shares = before["listed_positives"].map(number) / before["listed_labelled"].map(number)
    by_hand = before.assign(p=shares).pivot(index="split", columns="model", values="p")
    by_hand = by_hand[["card", "flags", "single_indicator"]]
    choice = tables["choice"].set_index("candidate")
    for name in by_hand:
        assert float(choice.loc[name, "mean_precision"]) == pytest.approx(by_hand[name].mean(), abs=6e-4)
    for _, row in tables["regret"].iterrows():
        cost = by_hand.loc[row["split"]].max() - by_hand.loc[row["split"], row["picked"]]
        assert float(row["regret"]) == pytest.approx(cost, abs=6e-4)


def test_findings_leave_without_their_figures(made, record):
    assert len(record["findings"]) == len(made[1].findings)
    for found in record["findings"]:
        assert found["figures"] == {}
        if found["code"] == "VRU401":
            assert found["message"] == "at least 5 people with the outcome are expected in one list"
        if found["code"].startswith("VRU3"):
            assert not re.search(r"\d", found["message"])
    said = {f["where"]: f["message"] for f in record["findings"] if f["code"] == "VRU302"}
    assert said["ethnicity"] == "the figures are in the table of groups; some groups are not shown there"
    assert said["sex"] == "the figures are in the table of groups"


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (("VRU101", "pass", "feed", "37 rows in = 34 accepted + 3 quarantined"),
         "every row was accepted or set aside with a reason"),
        (("VRU102", "fail", "feed", "3 of 37 rows quarantined (8.1%; at most 1%)"), "too many rows were set aside"),
        (("VRU104", "cannot tell", "feed", "37 of 37 known dates are assumed: event date + 5 days"),
         "known dates are assumed from a declared lag"),
        (("VRU107", "pass", "feed", "37 rows of coverage"), "the record of what was shared has the feed"),
        (("VRU108", "fail", "feed", "37% of its people have a spell"),
         "too few of the people of the feed are people whom the partnership has in view"),
        (("VRU201", "pass", "leakage", "37 people on 2 as-of dates: identical"),
         "rows are identical when everything known later is deleted, altered or added to"),
        (("VRU302", "fail", "sex", "recall of 'M' is 0.33 lower"), "the figures are in the table of groups"),
        (("VRU401", "fail", "list", "3.2 positives expected"),
         "fewer than 5 people with the outcome are expected in one list: person-level ranking is not supported by this "
         "data (use areas)"),
        (("VRU402", "fail", "simple rule", "precision at capacity +0.02"),
         "not shown to find more at capacity than a count of flags does: use the simple rule; the figures are in the "
         "comparison with other models"),
        (("VRU404", "cannot tell", "calibration", "the slope is undefined on 7 labelled rows"),
         "the calibration slope is undefined"),
        (("VRU406", "cannot tell", "sealed split", "opened 2 times"), "opened 2 times"),
        (("VRU999", "fail", "thing", "3 people"), "fail; the figures stay inside the partnership"),
    ],
)  # fmt: skip
def test_a_message_that_counts_people_is_said_again_without_them(finding, said):
    groups = pd.DataFrame({"attribute": ["sex"], "recall_verdict": ["pass"]})
    assert public(Finding(*finding), groups=groups, profile="opensafely").message == said


@pytest.mark.parametrize(("people", "said"), [(500, "500"), (499, "500"), (37, "35"), (7, "redacted")])
def test_the_proof_against_leakage_says_how_many_people_it_went_over_protected(people, said):
    proof = Finding("VRU201", "pass", "leakage", "all identical", {"people": people, "dates": 9})
    assert public(proof, groups=None, profile="opensafely").message == (
        f"gone over for a sample of people ({said}) on 9 as-of dates: rows are identical when everything known later "
        "is deleted, altered or added to"
    )


def test_a_bar_says_whether_it_is_reached_and_not_by_how_much():
    met = Finding("VRU403", "pass", "auc", "0.731, bar 0.7", {"bar": 0.7})
    assert public(met, groups=None, profile="opensafely").message == "the bar of 0.7, fixed before fitting, is reached"


def test_without_an_audit_file_the_finding_says_so():
    found = Finding("VRU302", "cannot tell", "sex", "no audit file was given: nobody knows whom the list misses")
    assert public(found, groups=None, profile="opensafely").message == "no audit file was given"


def test_evidence_as_made_and_as_stored_give_the_same_record(made):
    run, evidence, record = made
    stored = Evidence.from_json(evidence.to_json())
    assert published(run, stored) == record
    assert json.loads(canonical_json(published(run, stored))) == record


def test_evidence_of_another_run_is_refused(made, world):
    with pytest.raises(ValueError, match="evidence is of another run"):
        published(world.run, made[1])


def test_a_list_too_small_to_show_says_so_everywhere(world):
    record = published(world.run, world.evidence)
    head = record["headline"]
    assert {head[k] for k in ("precision", "recall", "number_needed_to_review", "lift")} == {"not testable"}
    assert (head["precision_95"], head["recall_95"]) == ("", "")
    tables = frames(record)
    assert set(tables["against"]["difference_in_precision"]) == {"not testable"}
    assert set(tables["choice"]["mean_precision"]) == {"not testable"}


def test_an_auc_of_too_few_positives_is_not_shown(made):
    run, evidence, _ = made
    few = Evidence.from_json(evidence.to_json())
    for name in ("comparison", "by_split"):
        few.tables[name].loc[:, ["positives", "listed_positives", "missed"]] = [6, 0, 6]
    record = published(run, few)
    assert set(frames(record)["comparison"]["auc"]) == {"not testable"}
    assert {record["headline"][k] for k in ("auc", "auc_ceiling", "calibration_slope")} == {"not testable"}


@pytest.mark.usefixtures("in_process")
def test_a_choice_by_cross_validation_is_shown_as_such():
    few = worlds.spec(**{"splits.as_of": worlds.AS_OF[:2]})
    data = worlds.dataset(few)
    run = fit(few, data)
    tables = frames(published(run, evaluate(run, data)))
    assert set(tables["choice"]["mean_precision"]) == {"undefined"}
    assert all(re.fullmatch(r"0\.\d\d", v) for v in tables["choice"]["mean_auc"])
    assert tables["regret"].empty


def test_what_was_declared_is_said_in_words(record):
    about = record["about"]
    assert about["purpose"]["not_for"] == ["enforcement"]
    assert about["features"] == ["suspension_count_12m", "missing_episode_count_12m"]
    assert {a["feed"] for a in about["agreements"]} == {"exclusions", "missing", "people", "cover", "audit"}
    dates = {a["feed"]: a["extracted"] for a in about["agreements"]}
    assert (dates["exclusions"], dates["missing"]) == ("2024-09-01", "not stated")
    assert all("where" not in indicator for indicator in about["indicators"])
