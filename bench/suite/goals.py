"""The goals P1-P19 as data: what runs against what, and which value of each round is held against which bound. Their
definitions in words are in docs/performance.md."""
import dataclasses
import typing

from pairs import difference, figure, over_best, ratio
from sides import Alone, Faults, Floor, Loom, Peer


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the result."""
    goal: str  # `P1`; empty: told, not held against anything
    what: str
    value: typing.Callable
    bound: float | None = None
    unit: str = ""  # empty: a ratio
    at_least: bool = False


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Sides that take turns, and the rows that their rounds give."""
    name: str
    sides: tuple
    rows: tuple
    rounds_most: int = 1000  # for what takes minutes, or repeats itself enough
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is done. The full form has the goals' own sizes, and a short one's rows say where theirs are smaller."""
    full: bool = False
    rounds: int = 3
    nodes_most: int = 1_000_000  # a trial of the machinery itself has few

    def of(self, full, short=None):
        return min(full if self.full or short is None else short, self.nodes_most)


# The bounds of memory were set with libssh2 1.10, whose session takes 57 KB; 1.11.1 has larger packet buffers, and FLOOR's
# sessions take 85 KB. So they are held against in the same proportion. docs/performance.md shows both.
CALIBRATION = 85 / 57


def wrong_verdicts(round_):
    """Nodes whose verdict is not the one that their fault deserves. A server that hangs and one that turns the client away
    (`Exceeded MaxStartups`) both fail in the handshake; only the first by its deadline."""
    seen, expected = round_[0], round_[0]["expected_verdicts"]
    pairs = ((seen.get("ok", 0), expected["ok"]), (seen.get("lost", 0), expected["drop"]), (seen["deadlines"], expected["hang"]),
             (seen.get("unreachable_handshake", 0), expected["hang"] + expected["refuse"]))
    return float(sum(abs(got - wanted) for got, wanted in pairs))


def cold(scale):
    n, m = scale.of(1000), scale.of(2000)
    yield Experiment("cold", (Loom("fan_out", n), Floor("cold", n)), (
        Row("P1", f"cold, N = {n}, 64 at once: CPU / FLOOR", ratio("cpu_us"), 0.95),
        Row("", "the same: wall / FLOOR", ratio("wall_us")),
        Row("", "the same: CPU a node", figure("cpu_us"), unit="µs"),
        Row("", "the same: FLOOR's CPU a node", figure("cpu_us", side=1), unit="µs")))
    yield Experiment("cold, all at once", (Loom("fan_out", m, m), Floor("cold", m, m)), (
        Row("P2", f"cold, N = {m}, all at once: CPU / FLOOR", ratio("cpu_us"), 0.75),))


# Process-per-node tools take most of the time, so that their number of nodes is what the short form saves at.
PEERS = {  # name -> nodes in the full and the short form, and P3's bound
    "go": (1000, 1000, 0.68), "asyncssh": (1000, 500, 1 / 5), "xargs": (1000, 60, 1 / 60), "pssh": (500, 30, None),
    "pdsh": (500, 30, None), "clush": (500, 30, None), "ansible": (100, 8, None),
}


def peers(scale):
    for name, (full, short, bound) in PEERS.items():
        n = scale.of(full, short)
        rows = [Row("P3" if bound else "", f"cold, N = {n}, 64 at once: CPU / {name}", ratio("cpu_us"), bound),
                Row("", f"{name}, N = {n}, 64 at once: CPU / FLOOR", ratio("cpu_us", side=1, by=2)),
                Row("", f"{name}, N = {n}, 64 at once: wall / FLOOR", ratio("wall_us", side=1, by=2))]
        if name not in ("go", "asyncssh"):
            rows.append(Row("", f"{name}: CPU a node", figure("cpu_us", side=1), unit="µs"))
            rows.append(Row("", "of it, fork + exec of /bin/true", figure("fork_exec_us", side=1), unit="µs"))
        yield Experiment(f"peer {name}", (Loom("fan_out", n), Peer(name, n), Floor("cold", n)), tuple(rows),
                         3 if name in ("pssh", "pdsh", "clush", "ansible") else 1000)


def round_trips(scale):
    n, rtt = scale.of(1000), 20
    yield Experiment("20 ms", (Loom("fan_out", n, n, rtt_ms=rtt), Floor("cold", n, n, rtt_ms=rtt)), (
        Row("P4", f"20 ms RTT, N = {n}, all in flight: wall / FLOOR", ratio("wall_us"), 0.80),))
    # Go is better off with fewer at once than with all.
    widths = sorted({min(width, n) for width in (64, 256, n)})
    yield Experiment("20 ms, Go", (Loom("fan_out", n, n, rtt_ms=rtt), *(Peer("go", n, width, rtt) for width in widths)), (
        Row("P4", f"20 ms RTT, N = {n}: wall / Go's best", over_best("wall_us"), 0.5),))
    for name in ("xargs", "pssh", "pdsh", "clush"):
        m = scale.of(1000, 60)
        yield Experiment(f"20 ms, {name}", (Loom("fan_out", n, n, rtt_ms=rtt), Peer(name, m, 64, rtt)), (
            Row("P4", f"20 ms RTT: wall a node (N = {n}, all in flight) / {name}'s (N = {m}, 64 at once)", ratio("wall_us"),
                1 / 35),), 3)
    yield Experiment("again", (Loom("warm", n, rounds=1, rtt_ms=rtt), Loom("fan_out", n, rtt_ms=rtt)), (
        Row("P6", f"again through kept sessions, 20 ms RTT, N = {n}, 64 at once: CPU / cold", ratio("cpu_us"), 0.16),
        Row("P6", "the same: wall / cold", ratio("wall_us"), 0.15)))
    fires = 20
    yield Experiment("one node", (Loom("warm", 1, 1, fires, rtt_ms=50),), (
        Row("P8", f"50 ms RTT, one kept session, {fires} firings: fire to record / RTT", figure("wall_us", 1 / 50_000), 1.1),))


def kept(scale):
    n = scale.of(1000)
    yield Experiment("warm", (Loom("warm", n), Floor("warm", n)), (
        Row("P5", f"warm, {n} kept sessions, five firings: CPU an exec / FLOOR", ratio("cpu_us"), 1.10),
        Row("", "the same: CPU an exec", figure("cpu_us"), unit="µs")))
    m = scale.of(300, 40)
    yield Experiment("ControlMaster", (Loom("warm", m), Peer("masters", m, rounds=5)), (
        Row("P7", f"warm, N = {m}, 64 at once: CPU an exec / ControlMaster", ratio("cpu_us"), 1 / 300),), 3)
    k = scale.of(5000, 2000)
    yield Experiment("idle", (Loom("idle", k, min(k, 64)),), (
        Row("P10", f"{k} kept sessions at rest: memory each", figure("session_kb"), 28 * CALIBRATION, "KB"),
        Row("P10", "the same, keepalive every 30 s: CPU of a core over 60 s", figure("cpu_percent"), 0.6, "%")),
        3 if scale.full else 1)
    yield Experiment("idle, ControlMaster", (Loom("idle", m, min(m, 64)), Peer("masters", m)), (
        Row("P7", f"{m} kept sessions: memory each / ControlMaster's", ratio("session_kb"), 1 / 15),), 1)


def open_at_once(scale):
    n, pause = (scale.of(5000), 30) if scale.full else (scale.of(5000, 2000), 10)
    asleep = {"rounds": 1, "command": f"sleep {pause}"}
    yield Experiment("held", (Loom("hold", n, n, **asleep), Floor("held", n, n, **asleep)), (
        Row("P9", f"{n} commands running: memory a node beyond FLOOR's", difference("node_kb"), 7, "KB"),
        Row("P9", "the same: memory a node", figure("node_kb"), 40 * CALIBRATION, "KB"),
        Row("", "the same: FLOOR's memory a node", figure("node_kb", side=1), unit="KB")))
    n, pause = (scale.of(10_000), 60) if scale.full else (scale.of(10_000, 4000), 20)
    asleep = {"rounds": 1, "command": f"sleep {pause}"}

    def busy(round_):  # the command's own sleep is no work of either
        loom, floor = (figures["wall_ms"] - pause * 1000 for figures in round_)
        return loom / floor

    yield Experiment("10,000 nodes", (Loom("hold", n, n, **asleep), Floor("held", n, n, **asleep)), (
        Row("P11", f"{n} nodes in one process, all open, exec each: failures", figure("not_ok"), 0, "nodes"),
        Row("P11", "the same: resident memory", figure("resident_kb", 1 / 1024), 700 * CALIBRATION, "MB"),
        Row("P11", f"the same: wall beyond the command's {pause} s / FLOOR", busy, 1.3)),
        3 if scale.full else 1)


def misbehaving(scale):
    n, faults = scale.of(1000), Faults()
    healthy = n - sum(faults.counts(n))
    shares = f"N = {n}, {faults.hang} % hanging, {faults.refuse} % refusing, {faults.drop} % dropping"
    yield Experiment("faults", (Loom("faults", n, n, faults=faults), Loom("faults", healthy, healthy)), (
        Row("P12", f"{shares}, all in flight: the healthy nodes' wall / theirs alone", ratio("healthy_wall_ms"), 1.05),
        Row("P12", "the same: deadline error, p99", figure("deadline_error_p99_ms"), 20, "ms"),
        Row("P12", "the same: nodes with a wrong verdict", wrong_verdicts, 0, "nodes")))
    yield Experiment("faults, 64 at once", (Loom("faults", n, faults=faults), Loom("faults", healthy)), (
        Row("", f"{shares}, 64 at once: the healthy nodes' wall / theirs alone", ratio("healthy_wall_ms")),), 3)


def without_nodes(scale):
    jobs = scale.of(100_000)
    plan = Alone("plan", ("--jobs", str(jobs)))
    yield Experiment("plan", (plan,), (
        Row("P13", "next fire, mean over ten expressions: UTC", figure("next_ns"), 60, "ns"),
        Row("P13", "the same: Europe/Berlin", figure("next_zoned_ns"), 200, "ns"),
        Row("P14", f"a firing among {jobs * 10} jobs", figure("fire_ns"), 60, "ns"),
        Row("P14", "the same: idle CPU of a core", figure("idle_percent"), 0.2, "%"),
        Row("P15", f"{jobs} jobs due in one second: firings a second a core", figure("fires_per_core_s"), 1e6, "/s", True),
        Row("P15", "the same: lateness, p99", figure("lateness_p99_ms"), 100, "ms")), 5 if scale.full else 1)
    yield Experiment("simulate", (Alone("simulate", ("--jobs", str(jobs))),), (
        Row("", f"ten simulated years of {jobs // 100} jobs that fire hourly on average", figure("seconds"), 60, "s"),
        Row("", "the same: each run", figure("run_ns"), unit="ns")), 3 if scale.full else 1)
    nodes = scale.of(10_000)
    yield Experiment("load", (Alone("load", ("--nodes", str(nodes), "--jobs", str(jobs))),), (
        Row("P16", f"{nodes} nodes and {jobs} jobs in 10 files: read and scheduled for the first time",
            lambda round_: (round_[0]["load_ms"] + round_[0]["schedule_ms"]) / 1000, 5, "s"),
        Row("", "of it, read", figure("load_ms", 1e-3), unit="s"),
        Row("P16", "the same: heap in use a job", figure("job_bytes"), 400, "B")), 5 if scale.full else 1)
    results = scale.of(100_000, 20_000)
    names = {"silent_us": "no output", "equal_us": "equal outputs", "distinct_us": "distinct outputs"}
    widths = {"": "64 at once", "wide_": "1000 at once"}
    yield Experiment("ledger", (Alone("store", ("--results", str(results))),), tuple(
        Row("P18", f"CPU for each recorded result, {at_once}, {words}", figure(width + name), 5, "µs")
        for width, at_once in widths.items() for name, words in names.items()) + tuple(
        Row("", f"records in one commit, {at_once}", figure(f"{width}records_a_commit")) for width, at_once in widths.items()))


def large_outputs(scale):
    n, size = scale.of(20), 20_000_000
    work = {"rounds": 1, "command": f"output {size}"}
    yield Experiment("output", (Loom("output", n, n, **work), Floor("cold", n, n, **work)), (
        Row("P17", f"{n} nodes, 20 MB of output each: CPU / FLOOR", ratio("cpu_us"), 1.1),
        Row("P17", "the same: memory growth", figure("growth_kb", 1 / 1024), 4, "MB")))


def threads(scale):
    n = scale.of(1000)
    yield Experiment("threads", (Loom("fan_out", n, cpus="0,1", threads=2), Loom("fan_out", n, cpus="0", threads=2)), (
        Row("P19", f"cold, N = {n}, 64 at once: wall on two CPUs / on one, the simulator on the same", ratio("wall_us"), 0.80),))


def experiments(scale):
    """All of them, in the goals' order as far as they share none."""
    return [each for make in (cold, peers, round_trips, kept, open_at_once, misbehaving, without_nodes, large_outputs, threads)
            for each in make(scale)]


def goal_names():
    return [f"P{number}" for number in range(1, 20)]


def own_size(experiment):
    """Whether the experiment is done on as many nodes and jobs as its goal's definition has."""
    return any(each.name == experiment.name and each.sides == experiment.sides for each in experiments(Scale(full=True)))


OTHERS = "OTHERS"


def selected(all_experiments, names):
    """Those of these goals; OTHERS are those of none."""
    def wanted(experiment):
        goals = {row.goal for row in experiment.rows if row.goal} or {OTHERS}
        return not goals.isdisjoint(names)
    return [each for each in all_experiments if not names or wanted(each)]
