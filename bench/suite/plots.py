"""SVG plots of a result, drawn by gnuplot; without it there are none."""
import shutil
import subprocess


def peer_bars(doc):
    """Name -> client CPU a node / FLOOR's, from the peers' experiments and Loom's own; the least first."""
    bars = {}
    for experiment in doc["experiments"]:
        for row in experiment["rows"]:
            if "median" not in row:
                continue
            if row["goal"] == "P1":
                bars["Loom"] = row["median"]
            elif experiment["name"].startswith("peer ") and "CPU / FLOOR" in row["what"]:
                bars[experiment["name"].removeprefix("peer ")] = row["median"]
    return dict(sorted(bars.items(), key=lambda bar: bar[1]))


LINES = {
    "cpu": ("CPU a node against the number of nodes", "nodes", "µs of client CPU a node", True),
    "wall": ("Wall time against the round trip", "round trip, ms", "wall time, ms", False),
    "memory": ("Memory a node while its command runs", "nodes", "KB a node", False),
}
COLOURS = ("#1f6f8b", "#c0562f", "#5a9a6f", "#8a6fb0")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def block(name, rows):
    return [f"${name} << EOD", *(" ".join(map(str, row)) for row in rows), "EOD"]


def head(file, title, size):
    return ["set encoding utf8", f"set terminal svg size {size} font 'sans-serif,13' background rgb 'white'",
            f"set output {quoted(str(file))}", f"set title {quoted(title)} font ',15'", "set border 3 lc rgb '#666666'",
            "set tics out nomirror", "set grid ytics lc rgb '#dddddd'", "set key outside top center horizontal reverse Left"]


def line_plot(file, name, lines):
    """One picture: label -> [[x, y], ...]."""
    title, x, y, log = LINES[name]
    script = head(file, title, "680,420") + [f"set xlabel {quoted(x)}", f"set ylabel {quoted(y)}", "set yrange [0:*]"]
    ticks = sorted({point[0] for points in lines.values() for point in points})
    script += ["set logscale x", f"set xrange [{ticks[0] * 0.8}:{ticks[-1] * 1.25}]"] if log else []
    script.append("set xtics (" + ", ".join(f"'{tick}' {tick}" for tick in ticks) + ")")
    for at, points in enumerate(lines.values()):
        script += block(f"d{at}", points)
    drawn = [f"$d{at} using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb '{COLOURS[at % len(COLOURS)]}' title {quoted(label)}"
             for at, label in enumerate(lines)]
    return script + ["plot " + ", ".join(drawn)]


def bar_plot(file, bars):
    """Horizontal bars on a logarithmic axis, with their values."""
    title = "Client CPU a node, FLOOR = 1"
    rows = [(value, len(bars) - at, f"{value:.3g}") for at, value in enumerate(bars.values())]
    names = ", ".join(f"{quoted(name)} {len(bars) - at}" for at, name in enumerate(bars))
    least, most = min(bars.values()), max(bars.values())
    return head(file, title, f"680,{32 * len(bars) + 100}") + [
        "unset key", "unset grid", "set grid xtics lc rgb '#dddddd'", "set logscale x", f"set xrange [{min(0.5, least / 2)}:{most * 4}]",
        f"set yrange [0.4:{len(bars)}.6]", f"set ytics ({names})", *block("d", rows),
        "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#222222'",
        f"plot $d using ({min(0.5, least / 2)}):2:({min(0.5, least / 2)}):1:($2-0.32):($2+0.32) with boxxyerror fs solid 0.85 noborder "
        f"lc rgb '{COLOURS[0]}', $d using 1:2:3 with labels left offset 0.7,0"]


def draw(doc, folder, stem):
    """Writes what the result has data for; pairs of alternative text and file name. A word instead where gnuplot is missing."""
    if not shutil.which("gnuplot"):
        return [], "No plots: gnuplot is missing (Debian: gnuplot-nox)."
    written = []

    def save(name, alt, make, *data):
        file = f"{stem}-{name}.svg"
        script = "\n".join(make(folder / file, *data)) + "\n"
        subprocess.run(["gnuplot"], input=script, text=True, check=True, capture_output=True)
        written.append((alt, file))

    for name, (alt, *_) in LINES.items():
        if doc["series"].get(name):
            save(name, alt, line_plot, name, doc["series"][name])
    bars = peer_bars(doc)
    if len(bars) > 1:
        save("peers", "Client CPU a node, FLOOR = 1", bar_plot, bars)
    return written, ""
