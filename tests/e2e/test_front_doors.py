"""What a newcomer starts: the demo and the benchmark, here with few rows."""
import json
import os
import subprocess
import sys

from tests.support.programs import ROOT


def run(program, **settings):
    return subprocess.run([sys.executable, "-P", ROOT / program], env={**os.environ, **settings}, capture_output=True,
                          text=True, timeout=150, stdin=subprocess.DEVNULL, check=False)


def test_the_demo_ends_by_itself_with_both_sides_identical():
    done = run("tools/demo", DEMO_SECONDS="12", DEMO_ROWS="20000", DEMO_CHECK_SECONDS="2")
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if "source and target are identical at LSN" in line]
    assert len(said) >= 2, done.stdout
    assert "4 tables" in said[0]
    assert "ADD COLUMN" in done.stdout


def test_the_benchmark_measures_copy_and_stream_beside_their_ceilings(tmp_path):
    path = tmp_path / "report.json"
    done = run("bench/run", BENCH_ROWS="20000", BENCH_CHANGES="10000", BENCH_ROUNDS="1", BENCH_REPORT=str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    measures = json.loads(path.read_text(encoding="utf-8"))
    beside = [measure for measure in measures if measure["ceiling"] is not None]
    assert [measure["unit"] for measure in beside] == ["rows/s", "changes/s"]
    for measure in beside:
        assert set(measure) == {"name", "value", "unit", "ceiling", "ratio", "goal", "spread"}
        assert measure["value"] > 0 and measure["ratio"] > 0
