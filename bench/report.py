"""The benchmark's results: a table for people, build/bench/report.json for programs."""
import json
import statistics
from dataclasses import asdict, dataclass


@dataclass
class Measure:
    """One line of the report. ratio = value / ceiling, the median over the rounds; higher is better.

    `spread` is the largest minus the smallest ratio; `goal` is the ratio we want. Where there is no
    ceiling, ceiling, ratio, goal and spread are null.
    """
    name: str
    value: float
    unit: str
    ceiling: float | None = None
    ratio: float | None = None
    goal: float | None = None
    spread: float | None = None


def of_rounds(name, unit, amount, walrock_seconds, ceiling_seconds, goal):
    """Rates of an amount of rows, measured side by side in several rounds."""
    ratios = [theirs / ours for ours, theirs in zip(walrock_seconds, ceiling_seconds, strict=True)]
    return Measure(name, round(amount / statistics.median(walrock_seconds)), unit,
                   round(amount / statistics.median(ceiling_seconds)), round(statistics.median(ratios), 3), goal,
                   round(max(ratios) - min(ratios), 3))


def write(measures, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(measure) for measure in measures], indent=2) + "\n", encoding="utf-8")


def table(measures):
    lines = [f"{'what':44} {'walrock':>12} {'ceiling':>12} {'ratio':>7} {'goal':>6} {'spread':>7}  unit"]
    for m in measures:
        lines.append(f"{m.name:44} {cell(m.value):>12} {cell(m.ceiling):>12} {cell(m.ratio, 2):>7} "
                     f"{cell(m.goal, 2):>6} {cell(m.spread, 2):>7}  {m.unit}")
    return "\n".join(lines)


def cell(number, digits=None):
    if number is None:
        return "-"
    if digits is None:
        digits = 0 if abs(number) >= 100 else 2
    return f"{number:,.{digits}f}"
