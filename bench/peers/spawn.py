"""Starts programs and tells what they and their children used."""
import os
import resource
import subprocess
import tempfile
import time

PATIENCE = 900


class SpawnError(Exception):
    pass


def cpu_of(usage):
    return (usage.ru_utime + usage.ru_stime) * 1e6


def spent(arguments, count, environment=None):
    """Runs a program to its end. Figures for each of `count` nodes: the CPU is the program's and that of all the children
    that it has waited for."""
    with tempfile.TemporaryFile() as output:
        before = time.monotonic()
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - before
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            raise SpawnError(f"{arguments[0]} ended with {child.returncode}: {output.read()[-1000:].decode(errors='replace')}")
    return {"cpu_us": cpu_of(usage) / count, "wall_us": wall / count * 1e6, "wall_ms": wall * 1e3, "not_ok": 0}


def fork_exec_us(times=200):
    """CPU of one fork, exec and exit of /bin/true, on both sides: what every tool with a process for each node pays."""
    def used():
        return sum(cpu_of(resource.getrusage(who)) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    before = used()
    for _ in range(times):
        os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)
    return (used() - before) / times
