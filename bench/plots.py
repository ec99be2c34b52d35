# SPDX-License-Identifier: GPL-2.0
"""Plots of figures, drawn by gnuplot: that of this machine, else that of the lab's guest root"""
import math
import os
import re
import shutil
import subprocess
import sys

BENCH = os.path.dirname(os.path.realpath(__file__))
# readable on white and on black; beside it each has a mark of its own
COLOURS = ["#3584d6", "#d9722b", "#2a9d68", "#b85cb8", "#a08800", "#d64550", "#2f9aa8", "#8a7364"]
MARKS = [7, 5, 9, 13, 11, 15, 6, 4]
GLYPHS = {7: "\u25cf", 5: "\u25a0", 9: "\u25b2", 13: "\u25c6", 11: "\u25bc", 15: "\u2b1f", 6: "\u25cb", 4: "\u25a1"}	# of the marks


def quoted(text):
    """For gnuplot: nothing means anything between single quotes"""
    return "'" + re.sub(r"\s", " ", str(text)).replace("'", "''") + "'"


def nice(most, ticks=4):
    """A round step of which so many or fewer reach what there is most"""
    power = 10 ** math.floor(math.log10(most / ticks)) if most > 0 else 1
    return next(m * power for m in (1, 2, 5, 10) if m * power * ticks >= most)


def log_ticks(low, high, first):
    """xtics or ytics on a log axis from low to high: round numbers, first ones first, none too close to another"""
    kept = []
    steps = [m * 10.0 ** e for many in ((1,), (2, 5), (3, 7), (1.5, 1.2, 1.1)) for m in many
             for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    for t in [first] + sorted(steps, key=lambda t: t != first):
        if low <= t <= high and all(abs(math.log(t / k)) > .075 * math.log(high / low) for k in kept):
            kept.append(t)
    return "(" + ", ".join(f"'{t:g}' {t}" for t in sorted(kept)) + ")"


class Plots:
    """Collects gnuplot scripts and where their plots go; one process draws all of them"""

    def __init__(self):
        self.scripts = []

    def add(self, width, height, script, background=""):
        """Return: its number among what draw() returns"""
        self.scripts.append(
            f"reset\nset term svg size {width},{height} dynamic noenhanced font 'sans-serif,13' {background}\nset output\n"
            f"set border 3\nset tics nomirror out scale 0.6\nset grid\n{script}\n")
        return len(self.scripts) - 1

    @staticmethod
    def gnuplot():
        if shutil.which("gnuplot"):
            return ["gnuplot", "-"]
        lab = BENCH + "/../lab"
        root = subprocess.run(["bash", "-c", f". '{lab}/common.sh' && root_dir"], stdout=subprocess.PIPE,
                              text=True, check=False).stdout.strip()
        if os.geteuid() == 0 and os.path.isdir(root):
            return [lab + "/chroot", "gnuplot", "-"]
        sys.exit("no gnuplot here, nor a guest root that has it: install gnuplot-nox, or run lab/root")

    def draw(self):
        """The SVGs, in order"""
        if not self.scripts:
            return []
        p = subprocess.run(self.gnuplot(), input="".join(self.scripts), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, check=False)
        svgs = re.findall(r"<svg\b.*?</svg>", p.stdout, re.S)
        if p.returncode or len(svgs) != len(self.scripts):
            sys.exit(f"gnuplot drew {len(svgs)} of {len(self.scripts)} plots:\n{p.stderr[-2000:]}")
        return svgs


def bars_of(bars, div, background="", title=None):
    """bars: (name, what Figures.summary() says, 0xRRGGBB). Median as a bar, the rounds as dots, their range as a line.

    Return: what Plots.add() takes"""
    lines, dots, names, most = [], [], [], 0
    for i, (name, s, rgb) in enumerate(bars):
        most = max(most, s["max"] / div)
        names.append(f"{quoted(name)} {i}")
        lines.append(f"{i} {s['median'] / div} {s['min'] / div} {s['max'] / div} {rgb}")
        dots += [f"{i} {v / div}" for v in s["rounds"].values()]
    return 420, 60 + 30 * len(names) + (20 if title else 0), "\n".join([
        "$d << EOD", *lines, "EOD", "$r << EOD", *dots, "EOD",
        f"set title {quoted(title)}" if title else "",
        f"set xrange [0:*]\nset xtics {nice(most)}\nset format x '%g'\nset yrange [{len(names) - .4}:-0.6]",
        f"set ytics scale 0 ({', '.join(names)})\nset grid noytics",
        "plot $d using ($2/2):1:($2/2):(0.32):5 with boxxyerror fs solid 0.55 noborder lc rgb variable notitle, "
        "$d using 2:1:3:4 with xerrorbars pt 0 lw 1.5 lc rgb 'black' notitle, "
        "$r using 2:1 with points pt 7 ps 0.45 lc rgb 'black' notitle"]), background
