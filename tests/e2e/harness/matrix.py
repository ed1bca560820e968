"""A table of what worked for whom, printed after the tests. Tests of any worker report to it through pytest's own
properties of a report: record_property("matrix", [row, step, "ok"])."""

PROPERTY = "matrix"


class Recorder:
    """Of one row. The step that was begun last and did not end has failed."""

    def __init__(self, record_property, row):
        self.record = record_property
        self.row = row

    def begin(self, step):
        self.record(PROPERTY, [self.row, step, "FAILED"])

    def end(self, step):
        self.record(PROPERTY, [self.row, step, "ok"])


def lines_of(reports):
    """The matrix as lines of text; none when nobody took part."""
    table = {}
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == PROPERTY:
                row, step, outcome = value
                table.setdefault(row, {})[step] = outcome
    steps = list(dict.fromkeys(step for row in sorted(table) for step in table[row]))
    if not steps:
        return []
    head = ["", *steps]
    rows = [[str(row), *(table[row].get(step, "-") for step in steps)] for row in sorted(table)]
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in [head, *rows]]
