"""Series of single runs for the plots: what grows with the fleet, and with the distance to it."""
from sides import Floor, Loom


def sweeps(scale):
    """Name -> the axis, and for each of its values the sides by label."""
    def all_open(n):
        asleep = {"rounds": 1, "command": f"sleep {5 + n // 250}"}
        return {"Loom": Loom("hold", n, n, **asleep), "FLOOR": Floor("held", n, n, **asleep)}
    n = scale.of(400)
    counts = sorted({scale.of(count) for count in ((100, 300, 1000, 3000, 9000) if scale.full else (100, 300, 1000, 3000))})
    opened = sorted({scale.of(count) for count in ((250, 1000, 2500, 5000) if scale.full else (250, 1000))})
    return {
        "cpu": {count: {"Loom": Loom("fan_out", count), "FLOOR": Floor("cold", count),
                        "Loom, all at once": Loom("fan_out", count, count), "FLOOR, all at once": Floor("cold", count, count)}
                for count in counts},
        "wall": {rtt: {"Loom": Loom("fan_out", n, n, rtt_ms=rtt), "FLOOR": Floor("cold", n, n, rtt_ms=rtt),
                       "Loom, sessions kept": Loom("warm", n, n, 1, rtt_ms=rtt)} for rtt in (0, 10, 20, 50, 100)},
        "memory": {count: all_open(count) for count in opened},
    }


FIGURES = {"cpu": "cpu_us", "wall": "wall_ms", "memory": "node_kb"}


def run(scale, programs, say):
    """Name -> label -> [[x, y], ...]."""
    series = {}
    for name, points in sweeps(scale).items():
        lines = series.setdefault(name, {})
        for x, sides in points.items():
            for label, side in sides.items():
                lines.setdefault(label, []).append([x, side.run(programs)[FIGURES[name]]])
        say(f"series {name}")
    return series
