"""One side of a comparison as data: what runs, against which fleet; and the checks without which its figures say nothing."""
import dataclasses
import shlex

from processes import Fleet, MeasurementError, call


def hash_of(address):
    """As bench/fleet/loop.cpp picks the addresses that a fault in per cent meets."""
    value, mask = address, 0xFFFFFFFF
    value ^= value >> 16
    value = value * 0x7FEB352D & mask
    value ^= value >> 15
    value = value * 0x846CA68B & mask
    return value ^ value >> 16


@dataclasses.dataclass(frozen=True)
class Faults:
    """Per cent of the addresses that hang, refuse, and drop the connection in the middle of the command."""
    hang: int = 10
    refuse: int = 5
    drop: int = 5

    def arguments(self):
        # Each rule takes the hashes below its share that no former rule took.
        rules, share = [], 0
        for part, fault in ((self.hang, "banner:hang"), (self.refuse, "connect:refuse"), (self.drop, "exec:reset")):
            share += part
            rules += ["--fault", f"{share}%={fault}"]
        return rules

    def counts(self, nodes):
        """How many of the first so many nodes hang, refuse and drop."""
        hashes = [hash_of((127 << 24 | 8 << 16) + number + 1) % 100 for number in range(nodes)]
        first, second, third = self.hang, self.hang + self.refuse, self.hang + self.refuse + self.drop
        return (sum(h < first for h in hashes), sum(first <= h < second for h in hashes), sum(second <= h < third for h in hashes))


@dataclasses.dataclass(frozen=True)
class Side:
    """What is measured on `count` nodes. Subclasses know their command line and what the fleet must have seen."""
    what: str
    count: int = 1000
    at_once: int = 64
    rounds: int = 5
    command: str = "true"
    rtt_ms: float = 0
    threads: int = 1          # of the simulator
    cpus: str = ""            # both programs are pinned to these, as taskset takes them
    faults: Faults | None = None

    def fleet_arguments(self):
        arguments = ["--threads", str(self.threads)] if self.threads > 1 else []
        if self.rtt_ms:
            arguments += ["--rtt", f"{self.rtt_ms:g}"]
        return arguments + (self.faults.arguments() if self.faults else [])

    def prefix(self):
        return ("taskset", "-c", self.cpus) if self.cpus else ()

    def options(self, port):
        return ["--port", str(port), "--count", str(self.count), "--at-once", str(self.at_once), "--rounds", str(self.rounds),
                "--command", self.command]

    def arguments(self, programs, port):
        raise NotImplementedError

    def expected(self):
        """What the simulator's counters must say."""
        raise NotImplementedError

    def shown(self):
        """The command for people; PORT is the simulator's, and KEY its host key."""
        raise NotImplementedError

    def run(self, programs):
        with Fleet(programs, self.fleet_arguments(), self.prefix()) as fleet:
            figures = call([*self.prefix(), *self.arguments(programs, fleet.port)])
            counters = fleet.end()
        self.check(figures, counters)
        # Beside the client's own figures, never in them.
        figures["fleet_cpu_us"] = counters["cpu_us"] / max(1, counters["execs"])
        return figures

    def check(self, figures, counters):
        for name, number in self.expected().items():
            if counters.get(name) != number:
                raise MeasurementError(f"{self.shown()}: the simulator counts {counters.get(name)} {name}, not {number}")
        failed = figures.get("not_ok", 0)
        if not self.faults and (failed or figures.get("ok", self.count) != self.count):
            raise MeasurementError(f"{self.shown()}: not every node ended well: {figures}")

    def shown_fleet(self):
        return shlex.join(["fleet", "--address", "all", *self.fleet_arguments()])


class Loom(Side):
    def arguments(self, programs, port):
        return [programs.measure, self.what, *self.options(port), "--host-key", programs.host_key]

    def expected(self):
        if self.faults:
            hang, refuse, drop = self.faults.counts(self.count)
            reached = self.count - hang - refuse
            return {"authenticated": reached, "execs": reached, "faults": hang + refuse + drop}
        execs = self.count * (self.rounds + 1 if self.what == "warm" else 1)
        expected = {"authenticated": self.count, "execs": execs, "faults": 0}
        if self.what in ("hold", "idle", "warm"):
            expected["open_most"] = self.count
        return expected

    def check(self, figures, counters):
        super().check(figures, counters)
        if self.faults:
            hang, refuse, drop = self.faults.counts(self.count)
            figures["expected_verdicts"] = {"ok": self.count - hang - refuse - drop, "hang": hang, "refuse": refuse, "drop": drop}

    def shown(self):
        return shlex.join(["measure", self.what, *self.options("PORT"), "--host-key", "KEY"])


class Floor(Side):
    def arguments(self, programs, port):
        return [programs.floor, *self.options(port), self.what]

    def expected(self):
        execs = self.count * (self.rounds if self.what == "warm" else 1)
        expected = {"authenticated": self.count, "execs": execs, "faults": 0}
        if self.what in ("held", "warm"):
            expected["open_most"] = self.count
        return expected

    def check(self, figures, counters):
        super().check(figures, counters)
        if figures.get("ended_early"):
            raise MeasurementError(f"{self.shown()}: {figures['ended_early']:.0f} commands ended before all were open")

    def shown(self):
        return shlex.join(["floor", *self.options("PORT"), self.what])


@dataclasses.dataclass(frozen=True)
class Alone:
    """A measurement of Loom that needs no fleet."""
    what: str
    options: tuple = ()

    def run(self, programs):
        return call([programs.measure, self.what, *self.options])

    def shown(self):
        return shlex.join(["measure", self.what, *self.options])

    def shown_fleet(self):
        return ""


@dataclasses.dataclass(frozen=True)
class Peer:
    """Another tool at the same work; see bench/peers."""
    name: str
    count: int
    at_once: int = 64
    rtt_ms: float = 0
    rounds: int = 1

    def run(self, programs):
        from peers import tools  # here, so that the rest needs none of them
        arguments = ["--rtt", f"{self.rtt_ms:g}"] if self.rtt_ms else []
        with Fleet(programs, arguments) as fleet:
            work = tools.Work(programs.build, fleet.port, programs.host_key, self.count, self.at_once, self.rounds)
            figures = tools.run(self.name, work)
            counters = fleet.end()
        expected = {"authenticated": self.count, "execs": self.count * self.rounds}
        for name, number in expected.items():
            if counters[name] != number:
                raise MeasurementError(f"{self.shown()}: the simulator counts {counters[name]} {name}, not {number}")
        return figures

    def missing(self):
        from peers import tools
        return tools.missing(self.name)

    def shown(self):
        return f"peers/tools.py {self.name} --count {self.count} --at-once {self.at_once}" + \
            (f" --rounds {self.rounds}" if self.rounds > 1 else "")

    def shown_fleet(self):
        return shlex.join(["fleet", "--address", "all", *(["--rtt", f"{self.rtt_ms:g}"] if self.rtt_ms else [])])


def missing(sides):
    """Why these sides cannot run here, or nothing."""
    for side in sides:
        if isinstance(side, Peer) and (word := side.missing()):
            return word
    return ""


