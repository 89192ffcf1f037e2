#!/usr/bin/env python3
"""How the daemon's HTTP side stands load: cached reads a second (with wrk, where it is installed), a thousand readers of the
event stream of which one takes nothing, thousands of slow clients beside healthy ones, and how soon a webhook is answered. Starts a daemon of its own on
loopback: bench/http.py [--build build/release]."""
import argparse
import asyncio
import hashlib
import hmac
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A daemon on a loopback port, in a folder of its own; its one node refuses connections."""

    def __init__(self, build, connections=20_000):
        self.loom, self.port = build / "loom", free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-http-"))
        self.config = self.folder / "loom.yaml"
        (self.folder / "jobs").mkdir()
        (self.folder / "nodes.yaml").write_text("n1: {ip: 127.0.0.1, port: 1}\n")
        (self.folder / "jobs/jobs.yaml").write_text("jobs:\n  fail: {command: 'true', targets: n1, retry: {connect: 1}, overlap: allow}\n")
        (self.folder / "secret").write_text("s3cret")
        (self.folder / "secret").chmod(0o600)
        self.config.write_text("hooks: {push: {job: fail, verify: github, secret: {file: secret}}}\n"
                               f"nodesfile: nodes.yaml\njobspath: jobs\nstate_dir: state\nlisten: 127.0.0.1:{self.port}\n"
                               f"http: {{connections: {connections}, unauthenticated: {connections}, unauthenticated_per_address: {connections},"
                               f" per_token: {connections}}}\n")
        self.process = subprocess.Popen([self.loom, "-c", self.config, "serve"], stderr=open(self.folder / "log", "wb"))
        while self.command("token", "list", code=None).returncode != 0 or not self.answers():
            time.sleep(0.05)
        self.token = self.command("token", "create", "bench", "--scope", "operate").stdout.strip()

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def command(self, *words, code=0):
        done = subprocess.run([self.loom, "-c", self.config, *words], capture_output=True, text=True, check=False)
        if code is not None and done.returncode != code:
            raise RuntimeError(f"{words}: {done.returncode}: {done.stderr}")
        return done

    def request(self, path, more=""):
        return f"GET /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n{more}\r\n".encode()

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def reads(daemon, seconds):
    """Cached reads a second, the client on the same cores."""
    if not shutil.which("wrk"):
        return print("cached reads: skipped, wrk is not installed")
    etag = asyncio.run(one(daemon, "/jobs"))
    for name, field in (("reads of /jobs", []), ("the same, not modified", ["-H", f"If-None-Match: {etag}"])):
        out = subprocess.run(["wrk", "-t2", "-c64", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {daemon.token}", *field,
                              f"http://127.0.0.1:{daemon.port}/api/v1/jobs"], capture_output=True, text=True, check=True).stdout
        rate = next(line.split()[1] for line in out.splitlines() if line.startswith("Requests/sec"))
        slow = next(line.split()[1] for line in out.splitlines() if line.strip().startswith("99%"))
        print(f"{name}: {float(rate):,.0f} a second, p99 {slow}")


async def one(daemon, path):
    """The ETag of a reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(daemon.request(path, "Connection: close\r\n"))
    text = (await reader.read()).decode()
    writer.close()
    assert text.startswith("HTTP/1.1 200"), text
    return text.split("ETag: ")[1].split("\r\n")[0]


async def subscribe(daemon):
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port, limit=1 << 20)
    writer.write(daemon.request("/events"))
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def listen(reader, events, delays, said):
    seen = 0
    while seen < events:
        line = await reader.readline()
        if line.startswith(b"data: "):
            seen += 1
            run = json.loads(line[6:])["data"]["id"]
            delays.append(time.monotonic() - said.get(run, time.monotonic()))


async def events(daemon, count, runs, stalls):
    """Each reader gets each event, and soon, also while one reader takes nothing."""
    stalled = [await subscribe(daemon) for _ in range(stalls)]
    readers = [await subscribe(daemon) for _ in range(count - stalls)]
    delays, said = [], {}
    listening = [asyncio.create_task(listen(reader, 2 * runs, delays, said)) for reader, _ in readers]
    for _ in range(runs):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        body = b'{"job":"fail"}'
        began = time.monotonic()
        writer.write(f"POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {daemon.token}\r\n"
                     f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        reply = await reader.read()
        said[json.loads(reply.split(b"\r\n\r\n", 1)[1])["id"]] = began
        writer.close()
    await asyncio.wait_for(asyncio.gather(*listening), 300)
    delays.sort()
    print(f"{count} readers, {stalls or 'none'} stalled: {len(delays):,} events, all there; p50 {1000 * delays[len(delays) // 2]:.0f} ms, "
          f"p99 {1000 * delays[len(delays) * 99 // 100]:.0f} ms after their run was asked for")
    for _, writer in [*stalled, *readers]:
        writer.close()


async def slow_clients(daemon, count):
    """Healthy requests beside clients that send a byte a second, and come back when they are dropped."""
    slow = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(count)]

    async def drip(first, number):
        """So many of them, at their times within each second."""
        began, text = time.monotonic(), b"GET /api/v1/jobs HTTP/1.1\r\nX: " + b"x" * 600
        for second in range(600):
            await asyncio.sleep(max(0, began + second + first / count - time.monotonic()))
            for i in range(first, first + number):
                reader, writer = slow[i]
                if reader.at_eof() or writer.is_closing():
                    writer.close()
                    slow[i] = await asyncio.open_connection("127.0.0.1", daemon.port)
                slow[i][1].write(text[second % len(text):][:1])

    drips = [asyncio.create_task(drip(i * count // 50, count // 50)) for i in range(50)]
    await asyncio.sleep(2)
    times = []
    for _ in range(2000):
        began = time.monotonic()
        await one(daemon, "/jobs")
        times.append(time.monotonic() - began)
    times.sort()
    print(f"{count:,} slow clients: healthy requests p50 {1000 * times[1000]:.1f} ms, p99 {1000 * times[1980]:.1f} ms")
    for task in drips:
        task.cancel()
    for _, writer in slow:
        writer.close()


async def deliveries(daemon, count):
    """How soon a signed delivery has its 202, one after the other."""
    times = []
    for i in range(count):
        body = json.dumps({"number": i}).encode()
        signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        writer.write(f"POST /hooks/push HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Hub-Signature-256: sha256={signature}\r\n"
                     f"X-GitHub-Delivery: {i}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        reply = await reader.read()
        times.append(time.monotonic() - began)
        writer.close()
        assert reply.startswith(b"HTTP/1.1 202"), reply
    times.sort()
    print(f"{count} deliveries of a webhook: answered with 202 after p50 {1000 * times[count // 2]:.1f} ms, p99 {1000 * times[count * 99 // 100]:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--slow", type=int, default=5000)
    parser.add_argument("--deliveries", type=int, default=300)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    daemon = Daemon(given.build)
    try:
        reads(daemon, given.seconds)
        for stalls in (0, 1, 0, 1):
            asyncio.run(events(daemon, given.readers, 20, stalls))
        asyncio.run(deliveries(daemon, given.deliveries))
        asyncio.run(slow_clients(daemon, given.slow))
    finally:
        daemon.close()


if __name__ == "__main__":
    main()
