"""SVG plots of a result; without matplotlib there are none."""


def peer_bars(doc):
    """Name -> client CPU a node / FLOOR's, from the peers' experiments and Loom's own."""
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
    "cpu": ("CPU a node against the number of nodes", "nodes", "µs of client CPU a node", "log"),
    "wall": ("Wall time against the round trip", "round trip, ms", "wall time, ms", "linear"),
    "memory": ("Memory a node while its command runs", "nodes", "KB a node", "linear"),
}


def draw(doc, folder, stem):
    """Writes what the result has data for; pairs of alternative text and file name. A word instead where matplotlib is
    missing."""
    try:
        import matplotlib
        matplotlib.use("svg")
        matplotlib.rcParams["svg.hashsalt"] = "loom"  # the same picture for the same numbers
        from matplotlib import pyplot
    except ImportError:
        return [], "no plots: matplotlib is missing (Debian: python3-matplotlib)"
    written = []

    def save(figure, name, alt):
        file = f"{stem}-{name}.svg"
        figure.savefig(folder / file, bbox_inches="tight", metadata={"Date": None})
        pyplot.close(figure)
        written.append((alt, file))

    for name, (title, x, y, scale) in LINES.items():
        lines = doc["sweeps"].get(name)
        if not lines:
            continue
        figure, axes = pyplot.subplots(figsize=(6.4, 4))
        for label, points in lines.items():
            axes.plot(*zip(*points), marker="o", label=label)
        axes.set(title=title, xlabel=x, ylabel=y, xscale=scale)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
        save(figure, name, title)
    bars = peer_bars(doc)
    if len(bars) > 1:
        figure, axes = pyplot.subplots(figsize=(6.4, 0.45 * len(bars) + 1))
        drawn = axes.barh(list(bars), list(bars.values()), log=True)
        axes.bar_label(drawn, fmt=" %.3g")
        axes.axvline(1, color="black", linewidth=0.8)
        axes.invert_yaxis()
        title = "Client CPU a node, FLOOR = 1"
        axes.set(title=title, xlim=(None, max(bars.values()) * 4))
        save(figure, "peers", title)
    return written, ""
