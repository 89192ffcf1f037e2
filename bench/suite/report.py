"""The result as data, as a Markdown table and as plots."""
import dataclasses
import json
import math
import os
import pathlib
import platform
import subprocess

import plots
from pairs import met, summary


def number(value):
    """As few digits as tell it: 0.0167, 0.952, 28.1, 12300."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def row_result(row, rounds):
    values = [row.value(each) for each in rounds]
    result = {"goal": row.goal, "what": row.what, "unit": row.unit, "values": values,
              **dataclasses.asdict(summary(values))}
    if row.bound is not None:
        result |= {"bound": row.bound, "at_least": row.at_least, "met": met(result["median"], row.bound, row.at_least)}
    return result


def result(experiment, rounds, own_size):
    """An experiment that ran: its rows, and the figures of each side in each round. `own_size`: it is what the goal defines,
    not a smaller one."""
    rows = [row_result(row, rounds) for row in experiment.rows]
    return {"name": experiment.name, "own_size": own_size, "rows": rows, "rounds": rounds, "commands": commands(experiment)}


def skipped(experiment, why):
    return {"name": experiment.name, "skipped": why, "commands": commands(experiment),
            "rows": [{"goal": row.goal, "what": row.what, "unit": row.unit, "bound": row.bound, "at_least": row.at_least}
                     for row in experiment.rows]}


def commands(experiment):
    shown = []
    for side in experiment.sides:
        fleet = side.shown_fleet()
        command = side.shown()
        if getattr(side, "cpus", ""):
            command, fleet = (f"taskset -c {side.cpus} {each}" for each in (command, fleet))
        shown.append(f"{command} (against {fleet})" if fleet else command)
    return shown


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().splitlines()[0]
    except (OSError, IndexError):
        return ""


def machine(root, build):
    """What the absolute figures depend on."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    version = pathlib.Path(root, "build", "libssh2", "prefix", "version")
    return {"cores": len(os.sched_getaffinity(0)), "cpu": model, "kernel": platform.release(),
            "openssl": first_line("openssl", "version"),
            "libssh2": version.read_text(encoding="utf-8").strip() if version.exists() else "the system's",
            "commit": first_line("git", "-C", str(root), "describe", "--always", "--dirty"), "build": pathlib.Path(build).name}


class Day:
    """A day's result of one form. Each experiment is on disk as soon as it is done, and takes the place of the one of its name
    that stood there, so that what a change has touched can be measured anew alone."""

    def __init__(self, stem, scale, about, words, names):
        self.file = stem.parent / (stem.name + ".json")
        self.names = names  # in the order of the report
        self.about = about
        form = "full" if scale.full else "short"
        self.doc = {"date": stem.name[:10], "form": form, "machine": about, "notes": [], "experiments": [], "series": {}}
        if self.file.exists():
            self.doc = json.loads(self.file.read_text(encoding="utf-8"))
        self.doc["notes"] = words

    def put(self, result):
        result |= {"commit": self.about["commit"], "load_average": round(os.getloadavg()[0], 2)}
        others = [each for each in self.doc["experiments"] if each["name"] != result["name"]]
        known = [each for each in (*others, result) if each["name"] in self.names]
        self.doc["experiments"] = sorted(known, key=lambda each: self.names.index(each["name"]))
        self.write()

    def put_series(self, series, word):
        self.doc["series"] = series
        self.doc["notes"] += [word] if word else []

    def write(self):
        """The Markdown file's path."""
        folder, stem = self.file.parent, self.file.stem
        folder.mkdir(parents=True, exist_ok=True)
        pictures, word = plots.draw(self.doc, folder, stem)
        self.file.write_text(json.dumps(self.doc, indent=1) + "\n", encoding="utf-8")
        table_file = folder / f"{stem}.md"
        table_file.write_text(markdown(self.doc, pictures, [word] if word else []), encoding="utf-8")
        return table_file


def goal_cell(row):
    if row.get("bound") is None:
        return ""
    return f"{'≥' if row['at_least'] else '≤'} {number(row['bound'])}{unit(row)}"


def unit(row):
    return f" {row['unit']}" if row["unit"] else ""


def verdict(row, own_size):
    if "met" not in row:
        return ""
    return ("met" if row["met"] else "**not met**") + ("" if own_size else " at this size")


def again(row, form):
    """How a reader measures the line anew."""
    return f"`scripts/bench{' --full' if form == 'full' else ''} --only {row['goal']}`" if row["goal"] else ""


def cells(experiment, row, form=""):
    spread = measured = ""
    if "median" in row:
        measured = number(row["median"]) + unit(row)
        spread = f"{number(row['least'])}–{number(row['most'])} ({row['rounds']})"
        judged = verdict(row, experiment["own_size"])
    else:
        judged = f"skipped: {experiment['skipped']}"
    return [row["goal"], row["what"], goal_cell(row), measured, spread, judged, again(row, form)]


def table(titles, lines):
    rule = ["---"] * len(titles)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
                     for line in [titles, rule, *lines])


def by_goal(experiments):
    """Rows with a goal, in the goals' order."""
    rows = [(experiment, row) for experiment in experiments for row in experiment["rows"] if row["goal"]]
    return sorted(rows, key=lambda pair: int(pair[1]["goal"][1:]))


def provenance(doc):
    """Which program gave the figures: a word for each commit where there were several."""
    made = {}
    for experiment in doc["experiments"]:
        made.setdefault(experiment["commit"], []).append(experiment["name"])
    newest = doc["machine"]["commit"]
    return [f"Measured with {commit}: {', '.join(names)}." for commit, names in made.items() if commit != newest]


def markdown(doc, pictures, words):
    about = doc["machine"]
    notes = [*doc["notes"], *provenance(doc), *words]
    titles = ["goal", "measurement", "bound", "median", "spread (rounds)", "", "command"]
    goals = [cells(experiment, row, doc["form"]) for experiment, row in by_goal(doc["experiments"])]
    others = [[experiment["name"], *cells(experiment, row)[1:2], *cells(experiment, row)[3:5]] for experiment in doc["experiments"]
              for row in experiment["rows"] if not row["goal"] and "median" in row]
    done = [row for experiment, row in by_goal(doc["experiments"]) if "met" in row and experiment["own_size"]]
    lines = [
        f"# Performance, {doc['date'][:10]}", "",
        f"The {doc['form']} form of `scripts/bench`: {about['cores']} cores of {about['cpu']}, Linux {about['kernel']}, "
        f"{about['openssl']}, libssh2 {about['libssh2']}, Loom {about['commit']}.", "",
        f"{sum(row['met'] for row in done)} of {len(done)} bounds that were tried at their own sizes are met. What each line "
        "means is in [docs/performance.md](../../docs/performance.md); only ratios count, since absolute times drift with the "
        "machine.", "",
        *(f"- {word}" for word in notes), *([""] if notes else []),
        table(titles, goals), "",
    ]
    if others:
        lines += ["Told beside the goals:", "", table(["experiment", "measurement", "median", "spread (rounds)"], others), ""]
    lines += [f"![{alt}]({name})\n" for alt, name in pictures]
    lines += ["What ran, each time with a simulator of its own (PORT, and KEY as `fleet --host-key` prints it):", ""]
    for experiment in doc["experiments"]:
        lines += [f"- {experiment['name']}", *(f"  - `{command}`" for command in experiment["commands"])]
    return "\n".join(lines).rstrip() + "\n"
