#!/usr/bin/env python3
"""Prints the tables of README.md from what run.sh wrote: table.py [FOLDER [SVG]], the folder of the comparisons (runs) and
the picture to draw."""

import functools
import json
import math
import pathlib
import random
import sys

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
BURSTS = {"relu": (1, 2, 4, 8), "gelu": (2, 8)}
LENGTHS = (128, 256, 512)
SERIES = (("falling", 2), ("falling", 4), ("fixed", 4))  # step size, burst
SITES = ("layers.0", "layers.1", "layers.2", "*")
DIRECTIONS = ("forward", "backward")
TABLE_1 = {"forward": 0.5, "backward": 1}


DRAWS = 1000


@functools.cache
def rows_of(name):
    """By site and direction; each row with `costs`: by interval, what every seed's network cost."""
    path = folder / f"intermittent-{name}-compare"
    if not (path / "compare.json").exists():
        return {}
    budget = json.loads((path / "compare.json").read_text())["budget"]
    losses = {}
    for line in (path / "finished.jsonl").read_text().splitlines():
        network = json.loads(line)["result"]
        losses[network["name"], network["seed"]] = network["loss"]
    for row in budget["rows"]:
        what = f"{row['kind']}, {row['site']} {row['direction']}, size {budget['burst']:g}, every "
        row["costs"] = {int(one["interval"]): [losses[f"{what}{one['interval']:.0f}", seed] / losses["", seed] - 1
                                              for seed in range(1, budget["seeds"] + 1)] for one in row["intervals"]}
        row["cost"] = budget["cost"]
    return {(row["site"], row["direction"]): row for row in budget["rows"]}


def crossing(row, seeds):
    """ln of the steps between occurrences at which these seeds' mean cost falls to the budget; None: below it always."""
    last = None
    for n, costs in reversed(row["costs"].items()):
        cost = sum(costs[seed] for seed in seeds) / len(seeds)
        if cost > row["cost"]:
            if last is None:
                return math.log(n)  # not seen to fall to it: at the longest that was tried
            return math.log(n) + math.log(last[0] / n) * (cost - row["cost"]) / (cost - last[1])
        last = n, cost
    return None


def fitted(xs, found, sign):
    """Least-squares exponent of n (sign 1) or of x / n (sign -1) against x; 95 % by bootstrap over the seeds."""
    draw, slopes = random.Random(1), []
    if None in found:
        return "-"
    count = len(next(iter(found[0]["costs"].values())))
    for k in range(DRAWS + 1):
        seeds = draw.choices(range(count), k=count) if k else range(count)
        ys = [crossing(row, seeds) for row in found]
        if None in ys:
            return "-"
        us = [math.log(x) for x in xs]
        middle = sum(us) / len(us)
        slope = sum((u - middle) * y for u, y in zip(us, ys)) / sum((u - middle) ** 2 for u in us)
        slopes.append(slope if sign > 0 else 1 - slope)
    estimate, drawn = slopes[0], sorted(slopes[1:])
    return f"{estimate:.2f} [{drawn[DRAWS * 25 // 1000]:.2f}, {drawn[DRAWS * 975 // 1000]:.2f}]"


def bracket(row):
    """Of the steps between occurrences: the most shown beyond the budget, the fewest shown within."""
    if row is None:
        return 0, math.inf
    return row["interval_beyond"] or 0, row["interval_within"] or math.inf


def text(row):
    if row is None:
        return "-"
    low, high = bracket(row)
    if high == 1:
        return "1"
    if high == math.inf:
        return f"> {low}" if low else "?"
    return f"{low} to {high}" if low else f"<= {high}"


def slope(xs, brackets):
    """All exponents p for which some a x^p passes through every bracket."""
    low, high = -math.inf, math.inf
    for i, (x, (least, most)) in enumerate(zip(xs, brackets)):
        for later, (later_least, later_most) in list(zip(xs, brackets))[i + 1:]:
            run = math.log(later / x)
            if later_least > 0 and most < math.inf:
                low = max(low, math.log(later_least / most) / run)
            if later_most < math.inf and least > 0:
                high = min(high, math.log(later_most / least) / run)
    return low, high


def slope_text(found):
    low, high = found
    if low > high:
        return "no power"
    if low == -math.inf or high == math.inf:
        return f"> {low:.2f}" if low > -math.inf else f"< {high:.2f}" if high < math.inf else "-"
    return f"{low:.2f} to {high:.2f}"


def occurrences(length, row):
    low, high = bracket(row)
    return (length / high if high > 1 else length), (length / low if low else math.inf)


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def by_burst(activation, site, direction):
    return [rows_of(f"{activation}-{burst}").get((site, direction)) for burst in BURSTS[activation]]


def by_length(rate, burst, site, direction):
    names = [f"{rate}-{burst}-{length}" if length != 256 else f"relu-{burst}" for length in LENGTHS]
    return [rows_of(name).get((site, direction)) for name in names]


def by_theory(row, burst):
    """(34) with first-order e2 and no b2: e2 goes as the square of the size, and n steps share it."""
    return f"{max(1, (burst / row['theory']) ** 2):.2g}" if row and row["theory"] else "-"


def size_rows():
    for activation, bursts in BURSTS.items():
        for site in SITES:
            for direction in DIRECTIONS:
                found = by_burst(activation, site, direction)
                cells = dict(zip(bursts, map(text, found)))
                yield [activation, site, direction] + [cells.get(burst, "-") for burst in BURSTS["relu"]] + [
                    slope_text(slope(bursts, [bracket(row) for row in found])), fitted(bursts, found, 1),
                    by_theory(found[-1], bursts[-1])]


def length_rows():
    for rate, burst in SERIES:
        for site in SITES:
            for direction in DIRECTIONS:
                found = by_length(rate, burst, site, direction)
                counts = [occurrences(length, row) for length, row in zip(LENGTHS, found)]
                yield [rate, str(burst), site, direction] + [text(row) for row in found] + [
                    slope_text(slope(LENGTHS, counts)), fitted(LENGTHS, found, -1),
                    f"{TABLE_1[direction]:g}" if rate == "falling" else "-"]


def panel(left, title, x_axis, y_axis, xs, y_range, series):
    """Brackets as bars on logarithmic axes: forward thick and solid, backward thin and dashed."""
    width, top, height = 300, 40, 240

    def x_at(x):
        return left + 20 + (width - 40) * math.log(x / xs[0]) / math.log(xs[-1] / xs[0])

    def y_at(y):
        y = min(max(y, y_range[0]), y_range[1])
        return top + height - height * math.log(y / y_range[0]) / math.log(y_range[1] / y_range[0])

    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>'
    yield f'<text x="{left + width / 2}" y="{top - 14}" text-anchor="middle" font-weight="bold">{title}</text>'
    yield f'<text x="{left + width / 2}" y="{top + height + 36}" text-anchor="middle">{x_axis}</text>'
    yield f'<text transform="translate({left - 36},{top + height / 2}) rotate(-90)" text-anchor="middle">{y_axis}</text>'
    for x in xs:
        yield f'<text x="{x_at(x):.1f}" y="{top + height + 17}" text-anchor="middle">{x}</text>'
    tick = y_range[0]
    while tick <= y_range[1]:
        yield f'<text x="{left - 6}" y="{y_at(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        yield f'<path d="M{left} {y_at(tick):.1f}h{width}" stroke="#ddd"/>'
        tick *= 2
    for direction, brackets in series.items():
        forward = direction == "forward"
        shift, look = (-4, 'stroke-width="5"') if forward else (4, 'stroke-width="2" stroke-dasharray="4 3"')
        for x, (low, high) in zip(xs, brackets):
            at, bottom, up = x_at(x) + shift, y_at(max(low, y_range[0])), y_at(high)
            yield f'<path d="M{at:.1f} {bottom:.1f}V{up:.1f}" stroke="#000" {look}/>'
            for end in (bottom, up):
                yield f'<path d="M{at - 5:.1f} {end:.1f}h10" stroke="#000" stroke-width="2"/>'


def picture():
    sizes = {direction: [(max(low, 0.5), high) for low, high in map(bracket, by_burst("relu", "*", direction))]
             for direction in DIRECTIONS}
    counts = {direction: [occurrences(length, row) for length, row in zip(LENGTHS, by_length("falling", 2, "*", direction))]
              for direction in DIRECTIONS}
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" width="760" height="360" viewBox="0 0 760 360" '
             'font-family="sans-serif" font-size="12">', '<rect width="760" height="360" fill="#fff"/>']
    lines += panel(60, "How rarely, against the size", "relative size of the perturbation", "steps between occurrences",
                   BURSTS["relu"], (0.5, 256), sizes)
    lines += panel(440, "How many, against the length", "steps T of the run", "occurrences Q", LENGTHS, (1, 1024), counts)
    lines += ['<path d="M200 342h30" stroke="#000" stroke-width="5"/><text x="238" y="346">forward</text>',
              '<path d="M330 342h30" stroke="#000" stroke-width="2" stroke-dasharray="4 3"/>'
              '<text x="368" y="346">backward</text>', "</svg>"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    table(["activation", "site", "direction"] + [f"burst {burst}" for burst in BURSTS["relu"]]
          + ["exponent of n", "fitted", "(34), burst 8"], size_rows())
    table(["step size", "burst", "site", "direction"] + [f"T = {length}" for length in LENGTHS]
          + ["exponent of Q", "fitted", "Table 1"], length_rows())
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text(picture())
