"""OpenSSH's own way to keep sessions: a master process for each node, and a client process for each command."""
import subprocess
import time

from peers.spawn import SpawnError, spent

PATIENCE = 120


def cpu_us(pid):
    """Of one process until now; the kernel counts it in nanoseconds here."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e3


def proportional_kb(pid):
    """Memory with shared pages divided among those who share them: kind to many equal processes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def run(hosts, ssh, folder, at_once, rounds):
    """Figures for each command on open sessions; `session_kb` for each master."""
    sockets = [folder / f"{host}.master" for host in hosts]
    path = ["-o", f"ControlPath={folder}/%h.master"]
    masters = [subprocess.Popen([*ssh, *path, "-M", "-N", host], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for host in hosts]
    try:
        end = time.monotonic() + PATIENCE
        while not all(socket.exists() for socket in sockets):
            if time.monotonic() > end or any(master.poll() is not None for master in masters):
                raise SpawnError("not every ControlMaster came up")
            time.sleep(0.02)
        listed = folder / "rounds"
        listed.write_text("".join(f"{host}\n" for host in hosts) * rounds)
        before = sum(cpu_us(master.pid) for master in masters)
        figures = spent(["xargs", "-a", str(listed), "-P", str(at_once), "-I{}", *ssh, *path, "{}", "true"], len(hosts) * rounds)
        figures["cpu_us"] += (sum(cpu_us(master.pid) for master in masters) - before) / (len(hosts) * rounds)
        figures["session_kb"] = sum(proportional_kb(master.pid) for master in masters) / len(masters)
        return figures
    finally:
        for master in masters:
            master.terminate()
        for master in masters:
            master.wait(PATIENCE)
