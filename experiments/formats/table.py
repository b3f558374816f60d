#!/usr/bin/env python3
"""Prints the tables of README.md from what run.sh wrote: table.py [FOLDER], the folder of the comparisons (runs)."""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "runs")


def interval(figure):
    return "-" if figure is None else f"{figure['estimate']:.3g} [{figure['low']:.2g}, {figure['high']:.2g}]"


def span(values, form="{:.2g}"):
    return form.format(min(values)) + " to " + form.format(max(values))


for network in ("digits", "mnist"):
    path = folder / f"formats-{network}-compare" / "compare.json"
    if not path.exists():
        continue
    comparison = json.loads(path.read_text())
    arms = {(arm["kind"], arm["arm"]): arm for arm in comparison["outcome"]["arms"]}
    worse = {one["kind"]: one["worse"] for one in comparison["outcome"]["differences"]}
    print(f"{network}, {comparison['outcome']['seeds']} seeds; without: accuracy {interval(arms['', 'none']['accuracy'])}\n")
    head = ["format", "SQNR, dB, forward", "backward", "all at once, forward", "backward", "bias^2 / error^2, forward",
            "backward", "cost, forward", "backward", "both", "worse"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for kind in worse:
        row = [kind.removeprefix("round format ").replace(", rounding stochastic", ", stochastic")]
        at = comparison["at"][-1]
        cells = {d: [c for c in at["probe"] if c["kind"] == kind and c["direction"] == d and not c.get("reason")]
                 for d in ("forward", "backward")}
        together = {one["direction"]: one for one in at["together"] if one["kind"] == kind}
        row += [span([c["sqnr_db"]["estimate"] + 0.0 for c in cells[d]], "{:.0f}") for d in cells]
        row += [interval(together[d]["relative_error"]) for d in cells]
        row += [interval({k: v / together[d]["relative_error"]["estimate"] ** 2 for k, v in together[d]["bias_squared"].items()})
                if together[d]["repeats"] > 1 else "1" for d in cells]
        row += [interval(arms[kind, arm]["cost"]) for arm in ("forward", "backward", "both")] + [worse[kind]]
        print("| " + " | ".join(row) + " |")
    print()
