"""Runs the trials: `python3 trial WORK [--long | NAME=ROUNDS …]`, in the network that ../try makes."""

import os
import statistics
import sys
import time

import ratio
import rounds
import setup
from pair import Pair, TwoServers

SHORT = {"cut": 3, "parted": 2, "fenced": 1, "switch": 2, "upgrade": 1, "unfenced": 1, "ratio": 1, "pacemaker-cut": 2}
LONG = {"cut": 50, "parted": 20, "fenced": 10, "switch": 20, "upgrade": 5, "unfenced": 10, "ratio": 3,
        "pacemaker-cut": 50}
# Pacemaker is last: the trial hands the cluster over to it, and not back.


def says(text: str) -> None:
    print(f"--- {time.strftime('%H:%M:%S')} {text}", flush=True)


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def summary(name: str, seen: list[dict], watch: TwoServers) -> bool:
    """Prints what the rounds of a trial saw. Whether it is as it must be."""
    totals = {key: sum(one[key] for one in seen) for key in ("acknowledged", "lost", "doubled", "failed", "replayed")}
    lines = [f"{name}: {len(seen)} rounds", ", ".join(f"{key} {value}" for key, value in totals.items())]
    for key in ("back_s", "stall_s", "gap_s"):
        values = [one[key] for one in seen if key in one]
        if values:
            lines.append(f"{key}: p50 {statistics.median(values):.2f}, p95 {percentile(values, 0.95):.2f}, "
                         f"most {max(values):.2f}")
    lines.append(f"two servers: {watch.both} of {watch.looks} looks; load of the host {os.getloadavg()[0]:.1f}")
    if name == "unfenced":
        right = all(one["lost"] for one in seen)
        lines.append(f"rounds that lost: {sum(bool(one['lost']) for one in seen)}")
    else:
        right = not (totals["lost"] or totals["doubled"] or totals["failed"] or watch.both)
    if name == "fenced":
        lines.append(f"stale promotions refused: {sum(one['refused'] for one in seen)}")
        right = right and all(one["refused"] for one in seen)
    says("; ".join(lines) + ("" if right else "  WRONG"))
    return right


def trial(pair: Pair, name: str, count: int) -> bool:
    if name == "unfenced":
        setup.fencing(pair, False)
    watch, seen = TwoServers(pair), []
    for number in range(count):
        pair.settle()
        one = getattr(rounds, name.removeprefix("pacemaker-"))
        seen.append(one(pair, number) if name in ("parted", "upgrade") else one(pair))
        says(f"{name} {number + 1}: {seen[-1]}")
    watch.stop()
    right = summary(name, seen, watch)
    pair.settle()
    if name == "unfenced":
        setup.fencing(pair, True)
    return right


def main(work: str, *arguments: str) -> int:
    if arguments == ("--long",):
        plan = LONG
    else:
        plan = {name: int(count) for name, count in (one.split("=") for one in arguments)} or SHORT
    pair = Pair(work)
    try:
        begin = time.monotonic()
        pair.start()
        says(f"two machines are up after {time.monotonic() - begin:.1f} s")
        setup.by_script(pair)
        right = True
        for name, count in plan.items():
            if name.startswith("pacemaker-") and not pair.pacemaker:
                setup.by_pacemaker(pair)
            if name == "ratio":
                pair.settle()
                ratio.measure(pair, count)
            elif count:
                right = trial(pair, name, count) and right
        says("all trials are as they must be" if right else "a trial is WRONG")
        return 0 if right else 1
    except BaseException:
        pair.report()
        raise
    finally:
        for machine in pair.both:
            machine.kill()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
