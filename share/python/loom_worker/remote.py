"""What a task may ask of its node: run, sudo, put, get, stat. The daemon does it, on its own session."""
import base64
import os
import posixpath
import shlex
import stat as modes
import sys
import tempfile

from . import capture, serving
from .call import Cancelled, current

# What is larger travels as a descriptor.
INLINE_MAX = 512 * 1024


class RemoteError(Exception):
    """The daemon could not do it: the words say why. `state` is failed, lost or timed_out; a command may have printed
    something before."""

    def __init__(self, message, reply=None):
        super().__init__(message)
        reply = reply or {}
        self.state = reply.get("state") or "failed"
        self.out, self.err = reply.get("out") or "", reply.get("err") or ""


class TimedOut(RemoteError):
    """A command's own deadline passed."""


class Ran:
    """How a command ended: `exit_status` (-1: it did not end by itself), `out`, `err`, and how many bytes of output
    beyond the bound were dropped."""

    def __init__(self, reply):
        status = reply.get("exit_status")
        self.exit_status = -1 if status is None else status
        self.exit_signal = reply.get("exit_signal") or ""
        self.out = reply.get("out") or ""
        self.err = reply.get("err") or ""
        self.dropped = reply.get("dropped") or 0

    @property
    def ok(self):
        return self.exit_status == 0


TIMEOUT_MAX = 10 ** 8  # seconds: three years

# Of a path, as the kernel has it.
PATH_MAX = 4096


def _checked_text(text, what):
    """A request that cannot be meant is an error here, where the task's traceback says where it comes from; for the
    daemon it would be a worker that does not keep to the protocol."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is {type(text).__name__}; a text was expected")
    if not text or "\0" in text:
        raise ValueError(f"{what} is empty, or has a NUL in it: {text[:80]!r}")
    return text


def _checked_path(path):
    if len(_checked_text(path, "the path").encode("utf-8", "replace")) > PATH_MAX:
        raise ValueError(f"the path is longer than {PATH_MAX} bytes: {path[:80]!r}…")
    return path


def _checked_mode(mode):
    if mode is not None and not 0 <= mode <= 0o7777:
        raise ValueError(f"mode {mode!r}: permissions were expected, 0 to 0o7777")
    return None if mode is None else int(mode)


def _ask(body, descriptor=None, on_output=None):
    capture.flush()
    reply = serving.channel().request(body, descriptor).wait(on_output)
    state = reply.get("state")
    if state in ("cancelled", "interrupted"):
        raise Cancelled(reply.get("message") or state)
    return reply


def _refusal(reply, what):
    message = str(reply.get("message") or reply.get("state"))
    kind = TimedOut if reply.get("state") == "timed_out" else RemoteError
    return kind(message if what in message else f"{what}: {message}", reply)


def run(command, sudo=None, stdin=None, pty=False, timeout=None, on_output=None):
    """Runs shell text on the node, with the job's `env`, in its `cwd`, as its `become` says, and returns how it ended
    (`Ran`), whatever its exit status.

    `sudo` is a user's name. With `on_output(stream, text)` the output comes as it is printed there, too."""
    call = current()
    _checked_text(command, "the command")
    before = [f"cd {shlex.quote(call.cwd)}"] if call.cwd else []
    if call.env:
        before.append("export " + " ".join(f"{name}={shlex.quote(str(value))}" for name, value in call.env.items()))
    line = " && ".join([*before, f"eval {shlex.quote(command)}"]) if before else command
    return execute(line, sudo or call.become, stdin, pty, timeout, on_output, command)


def execute(command, sudo=None, stdin=None, pty=False, timeout=None, on_output=None, shown=None):
    """Runs shell text as it stands. `shown` takes its place where an error names it."""
    if sudo and sudo.startswith("-"):
        raise ValueError(f"{sudo!r} is no user's name")
    body = {"do": "run", "command": _checked_text(command, "the command"), "stream": on_output is not None, "pty": bool(pty),
            "sudo": {"user": _checked_text(sudo, "the user")} if sudo else None}
    if stdin is not None:
        body["stdin"] = stdin if isinstance(stdin, str) else stdin.decode("utf-8")
    if timeout is not None:
        if not 0 <= timeout <= TIMEOUT_MAX:
            raise ValueError(f"timeout {timeout!r}: seconds were expected")
        body["timeout"] = float(timeout)
    seen = {"out": 0, "err": 0}

    def live(stream, text):
        seen[stream] += len(text)
        on_output(stream, text)

    reply = _ask(body, on_output=live if on_output else None)
    if on_output:
        # A command may be over before all of its output has come live.
        for stream, count in seen.items():
            rest = (reply.get(stream) or "")[count:]
            if rest:
                on_output(stream, rest)
    ended = reply.get("exit_status") is not None or reply.get("exit_signal")
    if reply.get("state") in ("ok", "failed") and ended:
        ran = Ran(reply)
        if ran.dropped:
            # Who reads the result must not take it for the whole.
            print(f"{shown or command}: {ran.dropped} bytes of its output are beyond what is kept", file=sys.stderr)
        return ran
    raise _refusal(reply, shown or command)


def put(source, path, mode=None):
    """Brings bytes, or a local file (a path or an open one), to an absolute path. True when the node's file changed."""
    body = {"do": "put", "path": _checked_path(path), "mode": _checked_mode(mode)}
    if isinstance(source, bytes):
        if len(source) <= INLINE_MAX:
            return _put(dict(body, content=base64.b64encode(source).decode()))
        with scratch() as file:
            file.write(source)
            file.flush()
            return _put(dict(body, fd=True), file.fileno())
    if hasattr(source, "fileno"):
        return _put(dict(body, fd=True), source.fileno())
    with open(source, "rb") as file:
        return _put(dict(body, fd=True), file.fileno())


def _put(body, descriptor=None):
    reply = _ask(body, descriptor)
    if reply.get("state") not in ("ok", "changed"):
        raise _refusal(reply, body["path"])
    return reply["state"] == "changed"


def get(path, into=None):
    """The bytes of the node's file; with `into`, an open local file without a buffer's leftovers, they go there and
    their count is returned."""
    _checked_path(path)
    if into is not None:
        reply = _ask({"do": "get", "path": path, "fd": True}, into.fileno())
    elif stat(path).size <= INLINE_MAX:
        reply = _ask({"do": "get", "path": path})
    else:
        with scratch() as file:
            get(path, file)
            file.seek(0)
            return file.read()
    if reply.get("state") not in ("ok", "changed"):
        raise _refusal(reply, path)
    return int(reply.get("size") or 0) if into is not None else base64.b64decode(reply.get("content") or "")


class Stat:
    """`kind` (file, folder, link, other, none), `size`, `mode` (permissions), `mtime`."""

    def __init__(self, reply):
        self.kind = reply.get("kind") or "none"
        self.size = reply.get("size") or 0
        self.mode = modes.S_IMODE(reply.get("mode") or 0)
        self.mtime = reply.get("mtime") or 0


def stat(path):
    reply = _ask({"do": "stat", "path": _checked_path(path)})
    if reply.get("state") not in ("ok", "changed"):
        raise _refusal(reply, path)
    return Stat(reply)


def home():
    """The home folder that relative paths on the node begin at."""
    def ask():
        ran = execute("cd && pwd")
        if not ran.ok:
            raise RemoteError(f"the node does not say where its home is: {ran.err.strip() or ran.exit_status}")
        return ran.out.splitlines()[-1]
    return current().remember("home", ask)


def absolute(path, cwd=""):
    """The path on the node, from `~` or the folder `cwd`, which may itself be relative to the home."""
    path = posixpath.join(cwd, str(path)) if not str(path).startswith("~") else str(path)
    if path == "~" or path.startswith("~/"):
        path = home() + path[1:]
    elif path.startswith("~"):
        raise RemoteError(f"{path}: another user's home is not looked up; give an absolute path")
    return posixpath.normpath(path if path.startswith("/") else posixpath.join(home(), path))


def make_folders(paths, sudo=None):
    """Makes them with their parents where they are missing."""
    paths = list(paths)
    for start in range(0, len(paths), 200):
        ran = execute("mkdir -p -- " + " ".join(map(shlex.quote, paths[start:start + 200])), sudo=sudo)
        if not ran.ok:
            raise RemoteError(ran.err.strip() or f"mkdir exited with {ran.exit_status}")


def scratch():
    """A file without a name, for what is too large for a frame."""
    if sys.platform == "linux":
        try:
            return os.fdopen(os.memfd_create("loom", os.MFD_CLOEXEC), "w+b")
        except (OSError, AttributeError):
            pass
    return tempfile.TemporaryFile()
