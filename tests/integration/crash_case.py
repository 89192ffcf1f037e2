"""One life of a daemon on simulated nodes, up to a death: what it was told to do, what it told, and what must be so after
the next start."""
import collections
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess

from loom_case import LOOM, PATIENCE, read_ledger, until

NODES = 6
JOBS = {
    # By hand: a small output and one for a file of its own, a log for each node.
    "work": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }} {{ node.name }}; output 70000",
             "limits": {"parallel": 3}, "log": {"file": "logs/{{ node.name }}.log"}},
    "hold": {"command": "run {{ run.id }} {{ node.name }}; hang", "targets": "n[1-3]"},
    "queue": {"command": "run {{ run.id }} {{ node.name }}; hang", "targets": "n[1-2]", "overlap": "buffer_one"},
    "then": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }}", "targets": "n6", "after": {"work": "always"}},
    "boot": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }}", "targets": "n6", "schedule": "@reboot"},
    "again": {"command": "run {{ run.id }} {{ node.name }}; hang", "targets": "n[1-2]", "on_lost": "rerun"},
    "tick": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }}", "targets": "n[4-5]", "schedule": "* * * * * *"},
    # Beyond its retention at the next start, with a file for its output.
    "brief": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }}; output 70001", "targets": "n1", "retention": {"runs": 1}},
    # Owed to a node that a run could not reach.
    "absent": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }}", "targets": "n5", "schedule": "@yearly",
               "catchup": {"nodes": True, "window": "6h"}},
    "seldom": {"command": "run {{ run.id }} {{ node.name }}; echo {{ run.id }}", "targets": "n6", "schedule": "*/5 * * * * *"},
}
TERMINAL = {"ok", "changed", "failed", "unreachable", "timed_out", "lost", "cancelled", "interrupted", "not_started",
            "skipped"}
NODES_SQL = ("SELECT runs.id, json_extract(node.value, '$[0]'), json_extract(result.value, '$.state') FROM progress JOIN runs ON runs.key = progress.run,"
             " json_each(body, '$.results') AS result, json_each(result.value, '$.nodes') AS node")


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("loom", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Place:
    """A folder with a configuration for nodes of the fleet that are nobody else's, and the daemons that serve it one after
    another."""

    def __init__(self, folder, fleet, identity, number):
        self.folder, self.fleet = folder, fleet
        self.network = f"127.{9 + number // 250}.{number % 250}."
        self.state = folder / "state"
        self.processes = []
        (folder / "home").mkdir(parents=True)
        (folder / "jobs").mkdir()
        self.jobs(JOBS)
        self.write("loom.yaml", "nodesfile: nodes.yaml\njobspath: jobs/\nstate_dir: state\nshutdown: {drain: off}\n")
        self.write("nodes.yaml", "".join(
            f"n{i}: " + json.dumps({"ip": f"{self.network}{i}", "port": fleet.port, "user": "anna", "identity": str(identity)}) + "\n"
            for i in range(1, NODES + 1)))
        kept = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment.update(HOME=str(folder / "home"), XDG_RUNTIME_DIR=str(folder), TZ="UTC", TERM="dumb")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def jobs(self, jobs):
        self.write("jobs/jobs.yaml", "jobs:\n" + "".join(
            f"  {name}: " + json.dumps({"targets": "@*", **job}) + "\n" for name, job in jobs.items()))

    def start(self, failpoint=None):
        """A daemon, whether or not it comes to answer."""
        environment = dict(self.environment, **({"LOOM_FAILPOINT": failpoint} if failpoint else {}))
        with open(self.folder / "serve.log", "ab") as log:
            process = subprocess.Popen([LOOM, "-c", str(self.folder / "loom.yaml"), "serve"], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, env=environment, cwd=self.folder)
        self.processes.append(process)
        return process

    def answers(self, process):
        """Whether it answers by now; a ConnectionError when it has ended."""
        if process.poll() is not None:
            raise ConnectionError("the daemon has ended")
        try:
            return self.ask("GET", "/catalog")
        except (OSError, http.client.HTTPException):
            return None

    def serve(self, failpoint=None):
        process = self.start(failpoint)
        until(lambda: self.answers(process), "the daemon's socket")
        return process

    def socket(self):
        """Root's daemons listen below /run/loom, others below XDG_RUNTIME_DIR."""
        name = hashlib.sha256(str(self.folder / "loom.yaml").encode()).hexdigest()[:16] + ".sock"
        places = (pathlib.Path("/run/loom") / name, self.folder / "loom" / name)
        return next((path for path in places if path.exists()), places[1])

    def connection(self):
        return Connection(str(self.socket()))

    def ask(self, method, path, body=None):
        """The reply, or None where it is a refusal. OSError or HTTPException: the daemon is gone."""
        connection = self.connection()
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, "/api/v1" + path, body and json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            return json.loads(text) if response.status == 200 else None
        finally:
            connection.close()

    def follow(self, run):
        """The run's events, to its end."""
        connection = self.connection()
        try:
            connection.request("GET", f"/api/v1/runs/{run}/events")
            response = connection.getresponse()
            kind = None
            while line := response.readline().decode():
                if line.startswith("event: "):
                    kind = line[7:].strip()
                elif line.startswith("data: "):
                    yield kind, json.loads(line[6:])
        finally:
            connection.close()

    def end(self):
        """Ends what still runs, by its process id."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
        self.socket().unlink(missing_ok=True)

    def log(self):
        return (self.folder / "serve.log").read_text(errors="replace")

    def query(self, sql):
        return read_ledger(self.state / "loom.db", sql)

    def committed(self):
        """Every run's and every node's row, as far as no later one may change it."""
        nodes = self.query(NODES_SQL)
        runs = self.query("SELECT id, job, due_ms FROM runs")
        ended = self.query("SELECT id, state, counts FROM runs WHERE state NOT IN ('waiting', 'running')")
        schedules = self.query("SELECT job FROM schedules")
        kept = {row[0] for row in self.query("SELECT id FROM runs WHERE job <> 'brief'")}
        nodes, runs, ended = ([row for row in rows if row[0] in kept] for rows in (nodes, runs, ended))
        return {("node", *row) for row in nodes} | {("run", *row) for row in runs} | {("end", *row) for row in ended} | {
            ("schedule", *row) for row in schedules}

    def check_ledger(self):
        """`loom db check`, once nothing prunes."""
        def look():
            done = subprocess.run([LOOM, "db", "check", str(self.state)], capture_output=True, text=True, timeout=PATIENCE,
                                  env=self.environment, cwd=self.folder, check=False)
            return done.returncode != 7 and done
        return until(look, "the end of a prune")

    def executions(self):
        """How often each (run, node) got its command, by the fleet's own log."""
        line = r"^\d+\.\d+ " + re.escape(self.network) + r"\d+ .*?\brun ([0-9a-f-]{36}) (n\d+)"
        return collections.Counter(re.findall(line, self.fleet.log.read_text(), re.MULTILINE))


class Life:
    """A daemon does some of everything until it dies or is asked to end."""

    def __init__(self, place):
        self.place = place
        self.told_runs, self.told_nodes = set(), {}

    def live(self, failpoint):
        """The process's end: negative when it died."""
        process = self.place.start(failpoint)
        try:
            until(lambda: self.place.answers(process), "the daemon's socket")
            self.work(process)
        except (OSError, http.client.HTTPException):
            pass # it died, and so its end will say
        return process.wait(PATIENCE)

    def run(self, job):
        run = self.place.ask("POST", "/runs", {"job": job})
        if run:
            self.told_runs.add(run["id"])
        return run

    def take_turns(self):
        """The third run takes the place of the second, and begins when the first has ended."""
        first, _, third = [self.run("queue") for _ in range(3)]
        self.place.ask("POST", f"/runs/{first['id']}/cancel", {})
        for _, told in self.place.follow(third["id"]):
            if told.get("state") == "running":
                break

    def work(self, process):
        run = self.run("work")
        for kind, told in self.place.follow(run["id"]):
            if kind == "node.finished":
                self.told_nodes[(run["id"], told["result"]["node"])] = told["result"]["state"]
        self.take_turns()
        held = self.run("hold")
        self.run("hold") # refused: it runs
        self.place.jobs({**JOBS, "later": {"command": "true", "targets": "n1", "schedule": "@yearly"}})
        self.place.ask("POST", "/catalog/reload", {})
        self.place.ask("POST", f"/runs/{held['id']}/cancel", {})
        for _ in self.place.follow(held["id"]):
            pass
        self.run("again")
        self.run("hold")
        process.send_signal(signal.SIGTERM)


def make_template(place):
    """A state folder as a crash leaves it: runs in flight, instants that were missed meanwhile, an old schedule."""
    process = place.serve()
    runs = {place.ask("POST", "/runs", {"job": job})["id"] for job in ("hold", "again")}
    until(lambda: sum(id in runs for id, _ in place.executions()) == 5, "the commands that hold")
    until(lambda: place.query("SELECT id FROM runs WHERE job = 'tick' AND state = 'ok'"), "an output")
    for number in range(3):
        place.ask("POST", "/runs", {"job": "brief"})
        until(lambda: len(place.query("SELECT id FROM runs WHERE job = 'brief' AND state = 'ok'")) > number, "the end")
    absent = place.ask("POST", "/runs", {"job": "absent"})["id"]
    until(lambda: place.query(f"SELECT id FROM runs WHERE id = '{absent}' AND state = 'ok'"), "the end")
    process.kill()
    process.wait(PATIENCE)
    ledger = sqlite3.connect(place.state / "loom.db")
    with ledger:
        ledger.execute("DELETE FROM schedules WHERE job = 'tick'")
        ledger.execute("UPDATE schedules SET since_ms = since_ms - 30000 WHERE job = 'seldom'")
        ledger.execute("DELETE FROM schedules WHERE job = 'boot'")
        ledger.execute("DELETE FROM progress WHERE run IN (SELECT key FROM runs WHERE job IN ('seldom', 'boot'))")
        ledger.execute("DELETE FROM runs WHERE job IN ('seldom', 'boot')")
        ledger.execute("UPDATE runs SET reason = 'cron', due_ms = started_ms, claim = started_ms, state = 'failed',"
                       """ counts = '{"unreachable":1}' WHERE job = 'absent'""")
        key, run, body, texts = ledger.execute("SELECT progress.key, run, body, texts FROM progress JOIN runs ON runs.key = run"
                                               """ WHERE job = 'absent' AND body LIKE '%"state":"ok"%'""").fetchone()
        write_row(ledger, key, run, body.replace('"state":"ok"', '"state":"unreachable","cause":"refused"'), texts)
        # Goes with its run, and leaves so many free pages that they are given back.
        brief, = ledger.execute("SELECT key FROM runs WHERE job = 'brief' ORDER BY id LIMIT 1").fetchone()
        write_row(ledger, brief << 24 | 99, brief, '{"at_ms":0,"starts":[],"results":[]}', bytes(16 << 20))
    ledger.close()
    (place.state / "known_hosts").unlink() # met anew


def write_row(ledger, key, run, body, texts):
    """A row of a run's progress, with the hash that it must have."""
    ledger.execute("INSERT OR REPLACE INTO progress (key, run, hash, body, texts) VALUES (?, ?, ?, ?, ?)",
                   (key, run, hashlib.sha256(body.encode() + texts).hexdigest(), body, texts))


def copy_template(template, place):
    shutil.copytree(template.state, place.state)
