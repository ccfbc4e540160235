"""Tables of recorded figures, and what is calculated from them."""

from __future__ import annotations

import csv
import json

import pytest

from benchmarks import beam_modes, cold_run, data_steps, on_paper, scaling, short_rows, summary
from benchmarks.review_files import write_short_rows


def _step(seconds, processor=0.0, peak=0, main=0, worker=0):
    return {
        "seconds": seconds, "processor": processor, "peak": peak, "main": main, "worker": worker,
    }  # fmt: skip


@pytest.fixture
def sizes():
    """A size of 1,000 reviews and one of 4,000, whose Evaluator takes 25 % more a review."""
    steps = ("ReviewExampleGen", "StatisticsGen", "Transform", "Trainer")
    return {
        "figures": {
            "model": "lstm",
            "sizes": {
                str(times): {
                    "reviews": 1_000 * times,
                    "bytes": 1_300_000 * times,
                    "bytes written": 2_500_000 * times,
                    "fit, s": 2.0 * times,
                    "steps": {
                        **{step: _step(1.0 * times, 2.0 * times, 3e9, 1e9, 8e8) for step in steps},
                        "Evaluator": _step(4.0 * times * growth, 5.0 * times),
                    },
                }
                for times, growth in ((1, 1.0), (4, 1.25))
            },
        }
    }


def test_growth_is_told_per_review_that_a_step_reads(sizes):
    """The Evaluator reads test, a half of them; without workers it tells no memory of one."""
    rows = scaling.markdown_table(sizes).splitlines()
    assert "| ReviewExampleGen | 4,000 | 4.0 | 1,000 | 1.00 | 2,000 | 3.00 | 1.00 | 0.80 |" in rows
    assert "| Evaluator | 2,000 | 20.0 | 10,000 | 1.25 | 10,000 | 0.00 | 0.00 |  |" in rows
    assert "| Trainer, an epoch of fit alone | 2,000 | 8.0 | 4,000 | 1.00 |  |  |  |  |" in rows
    assert rows[-1].endswith("a review: 2.5 KB of 1,000, 2.5 KB of 4,000.")


def test_the_plan_on_paper_is_calculated_by_its_formulas(sizes):
    """From the rates of the largest size."""
    rates = on_paper.rates(sizes)
    assert rates.processor["ReviewExampleGen"] == 2_000
    assert (rates.processor["Evaluator"], rates.epoch, rates.written) == (10_000, 4_000, 2_500)
    plan = on_paper.Plan(1e8, 10, rates)
    assert plan.processor_hours("ReviewExampleGen") == pytest.approx(2_000 * 100 / 3_600)
    assert plan.processor_hours("Evaluator") == pytest.approx(10_000 * 10 / 3_600)
    assert plan.hours("ReviewExampleGen") == pytest.approx(2_000 * 100 / 3_600 / (10 * 4 * 0.7))
    assert plan.worker_price == pytest.approx(plan.all_hours * 10 * (4 * 0.056 + 16 * 0.003557))
    assert plan.stored_gb == pytest.approx(0.1 * (1_300 + 3 * 2_500))
    assert plan.epoch_hours == pytest.approx(4_000 * 90 / 3_600)


def test_without_measured_growth_the_plan_says_where_its_rates_are_from():
    """They are upper bounds."""
    assert on_paper.markdown(None).startswith("Rates: the run in the README, as upper bounds")


def test_data_steps_have_their_ratio_with_its_range(tmp_path):
    """The sum of the steps of each turn; memory is the most of any step."""
    turns = [
        {
            "ours": {step: _step(seconds, 1.0, 2e9) for step, _ in data_steps.COMPARED.values()},
            "example": {step: _step(2.0, 2.0, 4e9) for _, step in data_steps.COMPARED.values()},
        }
        for seconds in (1.0, 1.5)
    ]
    results = {"figures": {"reviews": 600, "turns": turns}}
    rows = data_steps.markdown_table(results).splitlines()
    assert rows[-1] == (
        "| together | 3.8 | 6.0 | 0.62 (0.50 to 0.75) | 0.50 (0.50 to 0.50) | 2.0 | 4.0 | "
        "at most 0.55 |"
    )
    (tmp_path / "data_steps.json").write_text(json.dumps(results))
    assert summary.markdown_table(tmp_path).splitlines() == [
        "| ours / another's, time | data steps / TFX's IMDB example |",
        "|---|---:|",
        "| ratio (ours) | 0.62 (4 s) |",
    ]


def test_the_summary_leaves_out_what_is_not_recorded(tmp_path):
    """Where nothing is, it says so."""
    assert summary.markdown_table(tmp_path) == "Not measured yet."


def test_a_whole_run_is_compared_with_fit_alone():
    """Not with the start of Keras' process."""
    turn = {
        "run, s": 150.0, "run, processor, s": 250.0, "peak memory, GB": 3.5, "lines printed": 35,
        "Keras, fit, s": 200.0, "Keras, all of its process, s": 230.0,
    }  # fmt: skip
    figures = {
        "reviews": 50_000, "epochs": 3, "turns": [turn], "cached run, s": 12.3,
        "sentiment --help, s": 0.07,
    }  # fmt: skip
    table = cold_run.markdown_table({"figures": figures})
    assert "| cold run / three epochs of plain Keras | 0.75 (one turn) | at most 0.85 |" in table


def test_modes_of_beam_are_compared_by_size():
    """And beside them stands what `auto` takes on as many processors."""
    size = {
        "bytes": 180_000_000,
        "turns": [
            {
                mode: {step: _step(seconds, 1.0) for step in beam_modes.BEAM_STEPS}
                for mode, seconds in zip(beam_modes.MODES, (2.0, 3.0), strict=True)
            }
        ],
    }
    for processors, taken in ((2, "one"), (4, "several")):
        results = {"machine": {"processors": processors}, "figures": {"sizes": {"5000": size}}}
        row = beam_modes.markdown_table(results).splitlines()[-1]
        assert row == f"| 5,000 | 180.0 | together | 8.0 | 12.0 | 1.50 | 1.00 | {taken} |"


def test_short_rows_name_the_bound_of_a_worker():
    """Of memory, in GB."""
    figures = {"rows": 1_000, "bytes": 40_000, **_step(2.0, 3.0, 2e9, 1e9, 9e8)}
    table = short_rows.markdown_table({"figures": figures})
    assert "| the largest worker, GB | 0.90 | at most 1 |" in table
    assert "| rows a second | 500 |  |" in table


def test_short_rows_are_texts_of_their_own_in_both_splits_and_classes(tmp_path):
    """A tenth of them are test."""
    write_short_rows(tmp_path / "rows.csv", 2_000)
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["text"] for row in rows}) == 2_000
    assert sum(row["split"] == "test" for row in rows) == 200
    assert sum(row["label"] == "1" for row in rows) == 1_000
    assert {(row["split"], row["label"]) for row in rows} == {
        ("train", "0"), ("train", "1"), ("test", "0"), ("test", "1"),
    }  # fmt: skip
