"""Measures Loom against the floor and against its peers; `scripts/bench` builds and starts this. See docs/performance.md."""
import argparse
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import backlog  # noqa: E402
import goals  # noqa: E402
import report  # noqa: E402
import sides  # noqa: E402
import sweeps  # noqa: E402
from pairs import alternate  # noqa: E402
from peers.spawn import SpawnError  # noqa: E402
from processes import MeasurementError, Programs  # noqa: E402

SERIES = "SERIES"
FAILURES = (MeasurementError, SpawnError, OSError, subprocess.SubprocessError, KeyError, ZeroDivisionError)


def parsed():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the goals' own sizes, five pairs of most; forty minutes")
    parser.add_argument("--only", metavar="P1,P4", default="",
                        help="these goals only (or `others`, what belongs to none, or `series`, for the plots); the rest of the day's "
                             "result stays")
    parser.add_argument("--pairs", type=int, help="rounds of each comparison: 5 in the full form, else 3")
    parser.add_argument("--nodes", type=int, default=1_000_000, help="at most so many nodes: a trial, whose numbers say little")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench" / "results")
    given = parser.parse_args()
    given.only = [name.strip().upper() for name in given.only.split(",") if name.strip()]
    if unknown := [name for name in given.only if name not in (*goals.goal_names(), goals.OTHERS, SERIES)]:
        parser.error(f"no goal {', '.join(unknown)}; there are P1 to P19, others, and series")
    if given.pairs is not None and given.pairs < 1 or given.nodes < 1:
        parser.error("--pairs and --nodes are at least 1")
    return given


def measured(experiment, scale, programs, say):
    """The experiment's result, or why there is none: one that fails leaves the others alone."""
    if word := sides.missing(experiment.sides):
        say(f"{experiment.name}: skipped, {word}")
        return report.skipped(experiment, word)
    began = time.monotonic()
    rounds = [[] for _ in range(min(scale.rounds, experiment.rounds_most))]
    try:
        for at, side in enumerate(alternate(len(experiment.sides), len(rounds))):
            rounds[at // len(experiment.sides)].append(experiment.sides[side].run(programs))
        result = report.result(experiment, rounds, goals.own_size(experiment))
    except FAILURES as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        say(f"{experiment.name}: failed: {why}")
        return report.skipped(experiment, f"it failed: {why}")
    for row in result["rows"]:
        if row["goal"]:
            verdict = report.verdict(row, result["own_size"])
            say(f"{row['goal']:>4} {row['what']}: {report.number(row['median'])}{report.unit(row)} {verdict}")
    say(f"     {experiment.name} took {time.monotonic() - began:.0f} s")
    return result


def measured_series(scale, programs, say):
    """The plots' series, or a word on why there are none."""
    try:
        return sweeps.run(scale, programs, say), ""
    except FAILURES as error:
        say(f"series: failed: {error}")
        return {}, f"The series for the plots failed: {error}"


def main():
    given = parsed()
    scale = goals.Scale(given.full, given.pairs or (5 if given.full else 3), given.nodes)

    def say(text):
        print(text, file=sys.stderr, flush=True)

    programs = Programs(given.build)
    # Only the goals' own sizes are what the date's file says.
    trial = given.nodes < 10_000
    stem = given.results / (time.strftime("%Y-%m-%d", time.gmtime()) + ("" if given.full and not trial else "-short"))
    everything = goals.experiments(scale)
    chosen = goals.selected(everything, given.only)
    failed = False
    with backlog.raised(given.nodes) as word:
        words = [word] if word else []
        if trial:
            words.append(f"A trial with at most {given.nodes} nodes: the goals' definitions ask for more.")
        elif not given.full:
            words.append("The short form: lines that say \"at this size\" have fewer nodes than their goals.")
        day = report.Day(stem, scale, report.machine(ROOT, given.build), words, [each.name for each in everything])
        for at, experiment in enumerate(chosen):
            say(f"[{at + 1}/{len(chosen)}] {experiment.name}")
            result = measured(experiment, scale, programs, say)
            failed |= result.get("skipped", "").startswith("it failed")
            day.put(result)
        if not given.only or SERIES in given.only:
            series, word = measured_series(scale, programs, say)
            failed |= bool(word)
            day.put_series(series, word)
    print(day.write())
    return failed


sys.exit(main())
