#!/usr/bin/env python3
"""Prints the table of README.md from what run.sh wrote: table.py [FOLDER], the folder of the comparisons (runs)."""

import json
import pathlib
import random
import sys

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "runs")


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    result = [0] * len(values)
    for rank, i in enumerate(order):
        result[i] = rank
    return result


def spearman(pairs):
    a, b = (ranks([pair[k] for pair in pairs]) for k in (0, 1))
    middle = (len(pairs) - 1) / 2
    top = sum((x - middle) * (y - middle) for x, y in zip(a, b))
    return top / sum((x - middle) ** 2 for x in a)


def interval(pairs):
    """95 % by bootstrap over the sites."""
    draw = random.Random(1)
    drawn = sorted(spearman([draw.choice(pairs) for _ in pairs]) for _ in range(2000))
    return f"{spearman(pairs):.3f} [{drawn[50]:.2f}, {drawn[1949]:.2f}]"


print("| network | direction | sites | rank correlation, 1 % | 10 % | measured over screen, 1 % | 10 % |\n|" + "---|" * 7)
for path in sorted(folder.glob("screen-*-compare/compare.json")):
    comparison = json.loads(path.read_text())
    at = comparison["at"][0]
    gains = {(row["site"], row["direction"]): row["gain"] for row in at["screen"]}
    for direction in ("forward", "backward"):
        row, kinks = [], []
        for size in (0.01, 0.1):
            cells = [cell for cell in at["probe"] if cell["direction"] == direction and cell["relative_size"] == size
                     and cell["relative_error"] and gains[cell["site"], direction]]
            row.append(interval([(gains[cell["site"], direction]["estimate"], cell["relative_error"]["estimate"]) for cell in cells]))
            found = sorted(cell["kink"]["estimate"] for cell in cells)
            kinks.append(f"{found[0]:.2g} to {found[-1]:.2g}, median {found[len(found) // 2]:.2g}")
        print("| " + " | ".join([path.parent.name.removeprefix("screen-").removesuffix("-compare"), direction, str(len(cells))]
                                + row + kinks) + " |")
