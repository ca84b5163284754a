"""The benchmark's figures: medians of ratios, higher is better."""
import json

from bench import report


def test_the_ratio_is_the_median_over_the_rounds():
    measure = report.of_rounds("copy", "rows/s", 1000, [2.0, 1.0, 4.0], [1.0, 1.0, 1.0], 0.95)
    assert (measure.value, measure.ceiling, measure.ratio, measure.goal, measure.spread) == (500, 1000, 0.5, 0.95, 0.75)


def test_the_report_is_a_list_of_objects_with_all_fields(tmp_path):
    report.write([report.Measure("cpu", 1.5, "CPU s")], tmp_path / "bench" / "report.json")
    (entry,) = json.loads((tmp_path / "bench" / "report.json").read_text(encoding="utf-8"))
    assert entry == {"name": "cpu", "value": 1.5, "unit": "CPU s", "ceiling": None, "ratio": None, "goal": None,
                     "spread": None}


def test_the_table_shows_a_dash_where_there_is_no_ceiling():
    text = report.table([report.Measure("cpu", 1.5, "CPU s"), report.Measure("copy", 12345.6, "rows/s", 2, 3, 1, 0)])
    assert "-" in text.splitlines()[1] and "12,346" in text.splitlines()[2]
