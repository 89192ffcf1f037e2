"""A double of the daemon for the Python worker: it speaks the plugin protocol to a real worker process, and does what
the worker asks of its node in a temporary folder, by /bin/sh, as the tests' own user."""
import array
import base64
import json
import os
import pathlib
import pty
import selectors
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARE = ROOT / "share" / "python"
# Matters only when something has failed.
PATIENCE = 60


class Ended:
    """What a call came to, and all that was seen on the way."""

    def __init__(self):
        self.state = self.message = self.value = self.exit_status = None
        self.out = self.err = ""
        self.requests, self.logs, self.progress = [], [], []
        self.last = False

    @property
    def commands(self):
        return [request["command"] for request in self.requests if request["do"] == "run"]

    def __repr__(self):
        return (f"{self.state}: {self.message}\nvalue: {self.value!r}\nstdout:\n{self.out}\nstderr:\n{self.err}\n"
                f"requests: {self.requests}")


class WorkerGone(Exception):
    """The worker's end was closed."""


class FakeDaemon:
    """`on_remote(request)` may return a reply to give in place of doing it; `on_progress(daemon, text)` sees how far a
    task is; `plugin` is the folder that tasks are imported from, `home` the node's."""

    def __init__(self, files=None, paths=None, env=None, on_remote=None, on_progress=None, interpreter=sys.executable):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-worker-")).resolve()
        self.plugin, self.home, self.work = (self.folder / name for name in ("plugin", "home", "work"))
        for made in (self.plugin, self.home, self.work):
            made.mkdir()
        for name, text in (files or {}).items():
            self.write(name, text)
        self.on_remote, self.on_progress = on_remote, on_progress
        self._paths = [str(path) for path in (paths or [self.plugin])]
        self._numbers = 0
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ours.settimeout(PATIENCE)
        self._read, self._descriptors = b"", []
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.work), "LANG": "C.UTF-8",
                       "LOOM_WORKER_FD": str(theirs.fileno()),
                       "PYTHONPATH": os.pathsep.join([str(SHARE), *self._paths]), **(env or {})}
        self.process = subprocess.Popen([interpreter, "-B", "-s", "-m", "loom_worker"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()],
                                        env=environment, cwd=self.work, start_new_session=True)
        theirs.close()
        self.pipes = {"out": "", "err": ""}
        self._more = threading.Condition()
        self._readers = [threading.Thread(target=self._drain, args=pair, daemon=True)
                         for pair in (("out", self.process.stdout), ("err", self.process.stderr))]
        for reader in self._readers:
            reader.start()

    def _drain(self, name, pipe):
        for piece in iter(lambda: os.read(pipe.fileno(), 65536), b""):
            with self._more:
                self.pipes[name] += piece.decode(errors="replace")
                self._more.notify_all()

    def until_printed(self, name, text):
        """Waits until the worker's own pipe, which is apart from its frames, has brought this."""
        with self._more:
            return self._more.wait_for(lambda: text in self.pipes[name], PATIENCE)

    def write(self, name, text):
        path = self.plugin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def __enter__(self):
        self.greet()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._ours.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            for reader in self._readers:
                reader.join(PATIENCE)
            self.process.stdout.close()
            self.process.stderr.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # Frames.

    def greet(self):
        self.send({"type": "hello", "protocol": 1, "loom": "0.1.0", "plugin": "test", "paths": self._paths, "env": {}})
        hello = self.receive()
        assert hello["type"] == "hello" and hello["protocol"] == 1, hello
        return hello

    def send(self, message):
        body = json.dumps(message).encode()
        self.send_bytes(struct.pack(">I", len(body)) + body)

    def send_bytes(self, data):
        self._ours.sendall(data)

    def receive(self):
        (length,) = struct.unpack(">I", self._take(4))
        assert 0 < length <= 2 * 1024 * 1024, length
        return json.loads(self._take(length), parse_constant=self._no_constant)

    @staticmethod
    def _no_constant(name):
        raise AssertionError(f"{name} is no JSON")

    def _take(self, count):
        while len(self._read) < count:
            try:
                data, ancillary, _, _ = self._ours.recvmsg(65536, socket.CMSG_SPACE(4 * 4))
            except ConnectionError:
                data, ancillary = b"", []
            for _, _, numbers in ancillary:
                found = array.array("i")
                found.frombytes(numbers)
                self._descriptors += found
            if not data:
                raise WorkerGone()
            self._read += data
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    # Calls.

    def node(self, **more):
        return {"name": "web1", "host": "127.0.0.1", "port": 22, "user": "root", "labels": {"os": "linux"},
                "groups": ["web"], "vars": {"release": "stable"}, **more}

    def begin(self, task, *args, node=None, targets=("web1", "web2"), check=False, kind="call", env=None, cwd=None,
              become=None, **kwargs):
        self._numbers += 1
        self.send({"type": kind, "id": self._numbers, "task": task, "args": list(args), "kwargs": kwargs, "check": check,
                   "node": self.node(**(node or {})), "env": env or {}, "cwd": str(self.home) if cwd is None else cwd,
                   "become": become,
                   "run": {"id": "0190", "due": None, "job": "test", "targets": list(targets)}, "timeout": {"command": 60.0}})
        return self._numbers

    def call(self, task, *args, **kwargs):
        """Serves one call to its end."""
        return self.serve(self.begin(task, *args, **kwargs))

    def inspect(self, task):
        return self.call(task, kind="inspect")

    def cancel(self, number, reason="cancelled by a test"):
        self.send({"type": "cancel", "call": number, "reason": reason})

    def serve(self, number):
        ended = Ended()
        while True:
            message = self.receive()
            assert message.get("call", number) == number, message
            kind = message["type"]
            if kind == "output":
                if message["stream"] == "out":
                    ended.out += message["text"]
                else:
                    ended.err += message["text"]
            elif kind == "remote":
                ended.requests.append(message)
                self.send({"type": "reply", "id": message["id"], **self._do(message)})
            elif kind == "log":
                ended.logs.append((message["level"], message["text"]))
            elif kind == "progress":
                ended.progress.append((message["text"], message.get("part")))
                if self.on_progress:
                    self.on_progress(self, message["text"])
            elif kind == "result":
                for name in ("state", "message", "value", "exit_status", "last"):
                    setattr(ended, name, message.get(name))
                assert not self._descriptors, "a descriptor came without a request for it"
                return ended
            else:
                raise AssertionError(message)

    # What the node does.

    def _do(self, request):
        given = self.on_remote(request) if self.on_remote else None
        if given is not None:
            return given
        descriptor = self._descriptors.pop(0) if request.get("fd") else None
        try:
            return getattr(self, "_" + request["do"])(request, descriptor)
        except OSError as error:
            return {"state": "failed", "message": error.strerror}
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _run(self, request, _):
        assert "\0" not in request["command"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "USER": "root"}
        if request["sudo"]:
            environment.update(SUDO_USER="root", USER=request["sudo"]["user"])
        streams = selectors.DefaultSelector()
        end = None
        if request["pty"]:
            end, terminal = pty.openpty()
            process = subprocess.Popen(["/bin/sh", "-c", request["command"]], env=environment, cwd=self.home, stdin=terminal,
                                       stdout=terminal, stderr=terminal)
            os.close(terminal)
            streams.register(end, selectors.EVENT_READ, "out")
        else:
            process = subprocess.Popen(["/bin/sh", "-c", request["command"]], env=environment, cwd=self.home,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            streams.register(process.stdout.fileno(), selectors.EVENT_READ, "out")
            streams.register(process.stderr.fileno(), selectors.EVENT_READ, "err")
            process.stdin.write(request.get("stdin", "").encode())
            process.stdin.close()
        alarm = threading.Timer(request.get("timeout", PATIENCE), process.kill)
        alarm.start()
        kept = self._gather(streams, request)
        alarm.cancel()
        if end is not None:
            os.close(end)
        else:
            process.stdout.close()
            process.stderr.close()
        status = process.wait(PATIENCE)
        if status == -signal.SIGKILL and "timeout" in request:
            return {"state": "timed_out", "exit_status": None, "message": "its time is over", **kept}
        return {"state": "ok" if status == 0 else "failed", "exit_status": status if status >= 0 else None,
                "exit_signal": "" if status >= 0 else "KILL", "out": kept["out"], "err": kept["err"], "dropped": 0,
                "message": ""}

    def _gather(self, streams, request):
        kept = {"out": "", "err": ""}
        while streams.get_map():
            for key, _ in streams.select(PATIENCE):
                try:
                    piece = os.read(key.fd, 65536)
                except OSError:  # So a terminal ends.
                    piece = b""
                if not piece:
                    streams.unregister(key.fd)
                    continue
                text = piece.decode(errors="replace")
                kept[key.data] += text
                if request["stream"]:
                    self.send({"type": "output", "id": request["id"], "stream": key.data, "text": text})
        return kept

    def _put(self, request, descriptor):
        path = pathlib.Path(request["path"])
        assert path.is_absolute(), path
        if descriptor is None:
            content = base64.b64decode(request["content"])
        else:
            content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        mode = request["mode"]
        if path.is_file() and path.read_bytes() == content and mode in (None, stat.S_IMODE(path.stat().st_mode)):
            return {"state": "ok", "message": ""}
        path.write_bytes(content)
        if mode is not None:
            path.chmod(mode)
        return {"state": "changed", "message": ""}

    def _get(self, request, descriptor):
        content = pathlib.Path(request["path"]).read_bytes()
        if descriptor is None:
            assert len(content) <= 1024 * 1024
            return {"state": "ok", "content": base64.b64encode(content).decode()}
        os.pwrite(descriptor, content, 0)
        return {"state": "ok", "size": len(content)}

    def _stat(self, request, _):
        path = pathlib.Path(request["path"])
        if not path.exists():
            return {"state": "ok", "kind": "link" if path.is_symlink() else "none", "size": 0, "mode": 0, "mtime": 0}
        found = path.stat()
        kind = "folder" if path.is_dir() else "file" if path.is_file() else "other"
        return {"state": "ok", "kind": kind, "size": found.st_size, "mode": found.st_mode, "mtime": int(found.st_mtime)}
