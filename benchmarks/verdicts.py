"""Ratios from the outcomes of `peers.py`, as text for a terminal and as a table for the documentation."""

import math
from collections.abc import Iterator

from cases import CASES, Case
from contenders import OURS
from rounds import Outcome

SCALING_LIMIT = 1.5  # CPU of our cases with a thousand callers, against 50 callers

Run = dict[str, Outcome]  # by the name of the case
Ratios = dict[str, dict[str, dict[str, float]]]  # case -> metric -> peer -> peer / ours


def worst_ratios(runs: list[Run]) -> Ratios:
    """The smallest peer / ours of the runs, by the metrics and the statistic of each case."""
    worst: Ratios = {}
    for run in runs:
        for name, outcome in run.items():
            case, peers = CASES[name], outcome["peers"]
            for metric in case.metrics:
                costs = {peer: ranges[metric][case.statistic] for peer, ranges in peers.items() if peer != OURS}
                if OURS in peers:
                    ours = peers[OURS][metric][case.statistic]
                    row = worst.setdefault(name, {}).setdefault(metric, {})
                    row.update({peer: min(cost / ours, row.get(peer, math.inf)) for peer, cost in costs.items()})
    return worst


def worst_scaling(runs: list[Run]) -> dict[str, float]:
    """Case with many callers -> its CPU per request against that with few, in turns; the largest of the runs."""
    return {
        name: max(run[name]["peers"][OURS]["cpu"]["min"] / run[name]["base"]["cpu"]["min"] for run in runs)
        for name, outcome in runs[0].items()
        if outcome["base"]
    }


def show_outcome(case: Case, outcome: Outcome) -> None:
    """One table: microseconds per request, milliseconds per download."""
    factor, unit = (1e3, "ms per download") if case.download else (1e6, "us per request")
    print(f"\n{case.name}: {case.callers} callers on {case.connections} connections; {unit};", end=" ")
    print(f"{outcome['calm']} of {outcome['rounds']} rounds were calm")
    print(f"  {'':12} {'wall min':>9} {'median':>8} {'cpu min':>9} {'median':>8}  requests")
    for peer, ranges in outcome["peers"].items():
        wall, cpu = ranges["wall"], ranges["cpu"]
        cells = f"{wall['min'] * factor:9.1f} {wall['median'] * factor:8.1f} {cpu['min'] * factor:9.1f}"
        print(f"  {peer:12} {cells} {cpu['median'] * factor:8.1f}  {ranges['requests']}")


def _rows(ratios: Ratios) -> Iterator[tuple[Case, str, str, float, float | None, float | None]]:
    """(case, metric, peer, ratio, commit, goal) of every ratio."""
    for name, metrics in ratios.items():
        case = CASES[name]
        for metric, peers in metrics.items():
            bounds = case.bounds if metric == case.metrics[0] else {}
            for peer, ratio in peers.items():
                bound = bounds.get(peer)
                yield case, metric, peer, ratio, bound and bound.commit, bound and bound.goal


def show_verdict(ratios: Ratios, scaling: dict[str, float], runs: int) -> bool:
    """The ratios beside their bounds; whether all hold."""
    held = True
    print(f"\nratio peer / ours, the worst of {runs} run(s); above 1 we are faster")
    for case, metric, peer, ratio, commit, _ in _rows(ratios):
        kept = commit is None or ratio >= commit
        held = held and kept
        verdict = "" if commit is None else f"must be >= {commit:<5} {'holds' if kept else 'FAILS'}"
        print(f"  {case.name:20} {metric:5} {peer:12} {ratio:7.2f}  {verdict}")
    for name, factor in scaling.items():
        kept = factor <= SCALING_LIMIT
        held = held and kept
        verdict = f"must be <= {SCALING_LIMIT:<5} {'holds' if kept else 'FAILS'}"
        print(f"  {name:20} cpu   our c=50     {factor:7.2f}  {verdict}  (times the cost of 50 callers)")
    return held


def markdown(ratios: Ratios, scaling: dict[str, float]) -> str:
    """The table of docs/performance.md."""
    lines = ["| case | of | peer | ratio | commit | goal |", "|-|-|-|-|-|-|"]
    for case, metric, peer, ratio, commit, goal in _rows(ratios):
        bounds = [f"{bound:g}" if bound is not None else "-" for bound in (commit, goal)]
        lines.append(f"| {case.name} | {metric}, {case.statistic} | {peer} | {ratio:.2f} | {' | '.join(bounds)} |")
    for name, factor in scaling.items():
        lines.append(f"| {name} | cpu, min | our own asyncio-50 | {factor:.2f} times | at most {SCALING_LIMIT:g} | 1 |")
    return "\n".join(lines) + "\n"
