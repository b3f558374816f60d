#!/usr/bin/env python3
"""Prints the tables of README.md from what run.sh wrote: table.py [FOLDER], the folder of the comparisons (runs).
With run.sh --networks: table.py FOLDER cnn transformer."""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "runs")


def interval(figure, digits=2):
    if figure is None:
        return "-"
    return f"{figure['estimate']:.{digits + 1}g} [{figure['low']:.{digits}g}, {figure['high']:.{digits}g}]"


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


HEAD = ["step", "direction", "all at once, 10 %", "worst site", "exponents", "largest bias^2 / error^2", "all / sum",
        "ln amplification a site"]
OUTCOME = ["seeds", "accuracy without", "cost forward", "backward", "both", "worse"]


def probed(name):
    return json.loads((folder / f"{name}-compare" / "compare.json").read_text())


def rows_of(comparison, site_name):
    for at in comparison["at"]:
        for direction in ("forward", "backward"):
            cells = [cell for cell in at["probe"] if cell["direction"] == direction and cell["relative_size"] == 0.1]
            worst = min(cells, key=lambda cell: cell["rank"] or [99])
            known = [cell for cell in cells if cell["exponent"]]
            exponents = [cell["exponent"]["estimate"] for cell in known]
            shares = [cell["bias_squared"]["estimate"] / cell["relative_error"]["estimate"] ** 2 for cell in known]
            at_once = next(one for one in at["together"] if one["direction"] == direction and one["relative_size"] == 0.1)
            yield [str(at["step"]), direction, interval(at_once["relative_error"]), site_name(worst["site"], len(cells)),
                   f"{min(exponents):.2f} to {max(exponents):.2f}", f"{max(shares, key=abs):.1g}",
                   interval(at_once["additivity"]["squared_error"]), interval(at_once["depth_slope"])]


def outcome_of(comparison):
    arms = {arm["arm"]: arm for arm in comparison["outcome"]["arms"]}
    difference = comparison["outcome"]["differences"][0]
    return ([str(comparison["outcome"]["seeds"]), interval(arms["none"]["accuracy"])]
            + [interval(arms[arm]["cost"]) for arm in ("forward", "backward", "both")] + [difference["worse"]])


rows, trained = [], []
if names := sys.argv[2:]:
    for name in names:
        comparison = probed(name)
        rows += [[name] + row for row in rows_of(comparison, lambda site, count: f"`{site}`")]
        trained.append([name] + outcome_of(comparison))
    head = ["network"]
else:
    for activation in ("relu", "gelu"):
        for depth in (2, 4, 8, 16):
            comparison = probed(f"depth-{activation}-{depth}")
            numbered = rows_of(comparison, lambda site, count: f"{site.removeprefix('layers.')} of {count - 1}")
            rows += [[activation, str(depth)] + row for row in numbered]
            trained.append([activation, str(depth)] + outcome_of(comparison))
    head = ["activation", "hidden"]

table(head + HEAD, rows)
table(head + OUTCOME, trained)
