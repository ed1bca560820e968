"""Figures, their goals, the table and the JSON."""

import dataclasses
import json
import os
import pathlib
import platform
import statistics
import time


@dataclasses.dataclass
class Figure:
    """One line of the table. `factor`: this figure as a multiple of what the goal is about."""
    name: str
    samples: list
    unit: str = "ms"
    factor: float | None = None
    of: str = ""
    limit: float | None = None    # of the factor; of the figure itself when there is no factor
    goal: str = ""
    note: str = ""

    @property
    def median(self):
        return statistics.median(self.samples)

    @property
    def p90(self):
        return percentile(self.samples, 90)

    @property
    def verdict(self):
        if self.limit is None:
            return ""
        reached = self.median if self.factor is None else self.factor
        return "reached" if reached <= self.limit else "missed"

    def as_json(self):
        return dataclasses.asdict(self) | {"median": self.median, "p90": self.p90, "verdict": self.verdict}


def percentile(samples, percent):
    """The smallest sample that so many percent do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def machine_facts():
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory_kb = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory_kb / 2**20, 1),
            "kernel": platform.release(), "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(figures):
    """Markdown that is also pleasant in a terminal."""
    head = ["", "median", "p90", "n", "ratio", "goal", ""]
    rows = [head] + [[figure.name, f"{number(figure.median)} {figure.unit}",
                      number(figure.p90) if len(figure.samples) > 1 else "", str(len(figure.samples)),
                      f"{figure.factor:.2f} × {figure.of}" if figure.factor is not None else "", figure.goal,
                      figure.verdict] for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def save(path, facts, figures, steps):
    document = {"machine": facts, "figures": [figure.as_json() for figure in figures], "steps": steps}
    pathlib.Path(path).write_text(json.dumps(document, indent=1) + "\n")
