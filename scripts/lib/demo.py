"""The demonstration itself; `scripts/demo` builds the program and starts this."""
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from with_nodes import Nodes  # noqa: E402

LOOM = ROOT / "build" / "release" / "loom"
PATIENCE = 60
COLOURS = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def styled(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOURS else text


def explain(number, text):
    print(f"\n{styled('1;36', f'{number}.')} {styled('1', text)}", flush=True)


class Demonstration:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-demo-"))
        self.nodes = Nodes()
        self.daemon = None
        self.environment = {**os.environ, "LOOM_CONFIG": str(self.folder / "loom.yaml")}

    # What it shows.

    def run(self):
        explain(1, "Twelve machines: each a real sshd on an address of its own, with a throwaway key.")
        self.nodes.start(12, self.folder / "sshd")
        print(f"   {self.nodes.addresses[0]} … {self.nodes.addresses[-1]}, port {self.nodes.port}")

        explain(2, "A configuration: examples/demo. Is it right?")
        self.lay_out()
        self.loom("check")
        self.loom("jobs")

        explain(3, "The daemon. The job \"heartbeat\" is due every five seconds; nobody starts it.")
        self.serve()
        beat = self.wait("the heartbeat", self.fired)
        self.loom("runs")
        assert beat["counts"] == {"ok": 12}, beat

        explain(4, "A job started by hand. Equal output is gathered; what went wrong comes first:\n"
                   "   db3 fails, and nobody listens at spare1. Exit code 1 says that some targets failed.")
        self.loom("run", "upgrade", code=1)
        upgrade = self.read("runs", "--job", "upgrade")["items"][0]
        assert upgrade["counts"] == {"ok": 11, "failed": 1, "unreachable": 1}, upgrade

        explain(5, "What one node printed, from the ledger.")
        self.loom("logs", upgrade["id"][:13], "db3")

        explain(6, "Any command, anywhere, without a job.")
        self.loom("exec", "@front,db1", "--", "uname", "-sr")

        explain(7, "A new file in the jobs folder counts at once; the daemon is not restarted.")
        (self.folder / "jobs" / "nightly.yaml").write_text(
            "jobs:\n  nightly: {command: uptime, targets: [db1], schedule: {cron: 30 2 * * *, tz: Europe/Berlin}}\n")
        self.wait("the new job", lambda: "nightly" in {job["name"] for job in self.read("jobs")["items"]})
        self.loom("next", "nightly", "--count", "2")

    def fired(self):
        ended = [run for run in self.read("runs")["items"] if run["state"] != "running"]
        return ended[0] if ended and ended[0]["reason"] == "cron" else None

    # What it stands on.

    def lay_out(self):
        shutil.copytree(ROOT / "examples" / "demo", self.folder, dirs_exist_ok=True)
        template = self.folder / "nodes.yaml.in"
        text = template.read_text()
        for name, value in (("PORT", self.nodes.port), ("USER", self.nodes.user), ("IDENTITY", self.nodes.identity)):
            text = text.replace(f"@{name}@", str(value))
        (self.folder / "nodes.yaml").write_text(text)
        template.unlink()

    def loom(self, *words, code=0):
        """Shows a command and what it prints; its exit code must be the expected one."""
        print(styled("2", f"   $ loom {shlex.join(words)}"), flush=True)
        done = subprocess.run([LOOM, *words], env=self.environment, stdin=subprocess.DEVNULL, timeout=PATIENCE)
        if done.returncode != code:
            raise RuntimeError(f"loom {shlex.join(words)} ended with {done.returncode}, expected {code}")

    def read(self, *words):
        done = subprocess.run([LOOM, "-o", "json", *words], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
        return json.loads(done.stdout)

    def serve(self):
        print(styled("2", "   $ loom serve &"), flush=True)
        with open(self.folder / "serve.log", "wb") as log:
            # A session of its own: Ctrl-C here reaches it through `end` alone, in order.
            self.daemon = subprocess.Popen([LOOM, "serve"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, start_new_session=True)

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        while True:
            if self.daemon.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self.daemon.returncode}:\n{(self.folder / 'serve.log').read_text()}")
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise RuntimeError(f"waited {PATIENCE} s in vain for {what}:\n{(self.folder / 'serve.log').read_text()}")
            time.sleep(0.2)

    def end(self):
        """Ends the daemon, then the nodes, each by its process id, and removes the folder."""
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        self.nodes.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self):
        pids = [self.daemon.pid, *(self.nodes.pid(address) for address in self.nodes.addresses)]
        stop = self.folder / "stop"
        stop.write_text("#!/bin/sh\n# Ends the demonstration: the daemon first, then its nodes.\n"
                        f"kill {pids[0]}\nwhile kill -0 {pids[0]} 2>/dev/null; do sleep 0.1; done\n"
                        f"kill {' '.join(map(str, pids[1:]))} 2>/dev/null\nrm -rf {shlex.quote(str(self.folder))}\n")
        stop.chmod(0o700)
        print(f"""
It is still running. In this shell:

   export LOOM_CONFIG={self.folder}/loom.yaml PATH={LOOM.parent}:$PATH
   loom runs
   loom run heartbeat
   loom exec 'web[1-8]' -- date

Jobs are in {self.folder}/jobs: change one and look at `loom jobs`.
To end all of it and remove the folder:  {stop}""")


def stop_is_an_exit(number, _frame):
    raise SystemExit(128 + number)


def main():
    keep = "--keep" in sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_is_an_exit)
    demonstration = Demonstration()
    kept = False
    try:
        demonstration.run()
        if keep:
            demonstration.keep()
            kept = True
    finally:
        if not kept:
            demonstration.end()
    if not kept:
        print(styled("32", "\nAll of it was ended and removed. `scripts/demo --keep` leaves it running for you to try."))


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"the demonstration failed: {error}")
