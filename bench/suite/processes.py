"""The programs that a measurement is made of: started here, waited for, and ended by their process ids."""
import json
import pathlib
import re
import shlex
import signal
import subprocess

PATIENCE = 300  # seconds; matters only when something hangs


class MeasurementError(Exception):
    """A run that says nothing: something failed in it, or it did not do what was to be measured."""


def call(arguments, **more):
    """Runs a program that prints one line of JSON, and gives the figures in it."""
    done = subprocess.run([str(each) for each in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False, **more)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        said = (done.stderr or done.stdout).strip()[-1000:]
        raise MeasurementError(f"{shlex.join(map(str, arguments))} ended with {done.returncode}: {said}") from None


class Programs:
    """Where a build has its programs, and the simulator's host key."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        folder = self.build / "bench"
        self.fleet, self.floor, self.measure = folder / "fleet", folder / "floor", folder / "measure"
        for program in (self.fleet, self.floor, self.measure):
            if not program.exists():
                raise MeasurementError(f"{program} was not built")
        self.host_key = subprocess.run([self.fleet, "--host-key"], check=True, capture_output=True, text=True).stdout.strip()


class Fleet:
    """A simulator of its own for each run, so that its counters are that run's. A context manager."""

    def __init__(self, programs, arguments=(), prefix=()):
        self.process = subprocess.Popen([*prefix, programs.fleet, "--with-parent", "--address", "all", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise MeasurementError(f"the simulator did not start: {line}{self.process.communicate()[1]}")
        self.port = int(line.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()

    def end(self):
        """Ends it, and gives its counters by name; `cpu_us` is the simulator's own."""
        self.process.send_signal(signal.SIGTERM)
        lines = self.process.stderr.read().strip().splitlines()
        self.process.wait(PATIENCE)
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", lines[-1])} if lines else {}
