# SPDX-License-Identifier: GPL-2.0
"""Figures of the benchmarks: reading them, and what may be said of a difference.

A file has a JSON object a line. {cell, contender, repeat, METRIC: number...} is a figure, with
{resolution: {METRIC: r}} where a metric comes in steps of the relative size r. {run: {...}} says what
was run on what; {t_ms, ...} is a moment of a timeline.

Contenders take turns within a round, so what disturbs a round disturbs all of it: ratios are made
within each round, and their logarithms averaged. The interval is Student's for that average. (A bootstrap
of three or five rounds has next to nothing to draw from, its intervals are far too narrow.) To it comes
the step of the measure: figures that agree to the digit agree no better than that.
"""
import json
import math
import statistics


class Figures:
    def __init__(self, paths):
        self.rows, self.run, self.moments = [], {}, []
        for path in paths:
            with open(path, encoding="utf-8") as f:
                for line in f:
                    if line.startswith("{"):
                        # a round is one of its file: those of other files met another machine
                        self.add(json.loads(line), path if len(paths) > 1 else None)
        self.cells = list(dict.fromkeys(r["cell"] for r in self.rows))
        self.contenders = list(dict.fromkeys(r["contender"] for r in self.rows))

    def add(self, obj, path):
        if "cell" in obj:
            if path:
                obj["repeat"] = f"{path} {obj['repeat']}"
            self.rows.append(obj)
        elif "run" in obj:
            self.run.update(obj["run"])
        elif "t_ms" in obj:
            self.moments.append(obj)

    def of(self, cell, contender, metric):
        """{round: value}"""
        return {r["repeat"]: r[metric] for r in self.rows if r["cell"] == cell and
                r["contender"] == contender and r.get(metric) is not None}

    def resolution(self, cell, contender, metric):
        return max((r.get("resolution", {}).get(metric, 0) for r in self.rows
                    if r["cell"] == cell and r["contender"] == contender), default=0)

    def summary(self, cell, contender, metric, base=None, confidence=95):
        """None, or {median, min, max, n, rounds}, and what compare() says where base has it, too"""
        got = self.of(cell, contender, metric)
        if not got:
            return None
        v = list(got.values())
        s = {"median": statistics.median(v), "min": min(v), "max": max(v), "n": len(v),
             "rounds": got}
        if base and base != contender:
            step = sum(self.resolution(cell, c, metric) for c in (base, contender)) / 2
            s.update(compare(got, self.of(cell, base, metric), step, confidence))
        return s


def student(confidence, df):
    """The t that so many percent of Student's distribution are within.

    With t = sqrt(df) tan(a) the density is cos(a)^(df - 1), of which Simpson's rule makes the rest.
    """
    def area(a, n=400):
        h = a / n
        return h / 3 * sum((1 if i in (0, n) else 4 if i % 2 else 2) * math.cos(i * h) ** (df - 1)
                           for i in range(n + 1))
    low, high = 0.0, math.pi / 2
    want = confidence / 100 * area(high)
    for _ in range(60):
        mid = (low + high) / 2
        low, high = (mid, high) if area(mid) < want else (low, mid)
    return math.sqrt(df) * math.tan(low)


def compare(mine, base, step=0, confidence=95):
    """{round: value} against the base's: {} where there is no ratio, else {ratio, verdict, paired}
    with verdict higher, lower, same or one_round, and {low, high} unless it is the last.

    step: by how much, relatively, the measure's own steps can move a ratio.
    """
    both = [(mine[r], base[r]) for r in mine if r in base]
    if not both or any(a <= 0 or b <= 0 for a, b in both):
        return {}
    logs = [math.log(a / b) for a, b in both]
    mean = statistics.fmean(logs)
    out = {"ratio": math.exp(mean), "paired": len(logs)}
    if len(logs) == 1:
        out["verdict"] = "one_round"
        return out
    half = student(confidence, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs)) + step
    out.update(low=math.exp(mean - half), high=math.exp(mean + half), confidence=confidence)
    # without spread and step a last bit is left of the logarithms
    out["verdict"] = ("higher" if mean - half > 1e-12 else "lower" if mean + half < -1e-12 else "same")
    return out


def number(x):
    if x >= 1000 or x == int(x):
        return f"{x:.0f}"
    return f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def claim(s):
    """What a summary says beside the base: a ratio only where there is a difference"""
    if "ratio" not in s:
        return ""
    if s["verdict"] == "one_round":
        return f"x{s['ratio']:.2f}?"
    interval = f"[{s['low']:.2f}..{s['high']:.2f}]"
    return f"~ {interval}" if s["verdict"] == "same" else f"x{s['ratio']:.2f} {interval}"


def legend(summaries, base):
    """What the marks that claim() made of them mean, lines of text"""
    seen = {s.get("verdict") for s in summaries}
    confidence = next((s["confidence"] for s in summaries if "confidence" in s), None)
    lines = []
    if seen & {"higher", "lower"}:
        lines.append(f"xR [L..H]  ratio to {base}, each round's own, averaged; {confidence:g} % interval")
    if "same" in seen:
        lines.append(f"~ [L..H]   no difference to {base} shown: 1 is within the interval")
    if "one_round" in seen:
        lines.append("xR?        one round says nothing about noise, so this is no difference yet: "
                     "it takes three or more")
    return lines


def split(spec):
    """METRIC[/DIVISOR][=TITLE]"""
    spec, _, title = spec.partition("=")
    metric, _, div = spec.partition("/")
    return metric, float(div or 1), title or metric
