"""The worker: hears the daemon's hello, then serves one call after another until the daemon is gone."""
import inspect
import os
import platform
import sys
import threading

from . import call as calls
from . import capture, channel, interrupts, load, serving, values, verdict

# Of a message: what a person reads first is no place for more.
WORDS_MAX = 4096


class CannotCheck(Exception):
    """The node is passed over: what does not know `--check` is not run for it."""

    def loom_verdict(self, verdict_of):
        return verdict_of("skipped", f"{self} cannot tell what it would change: a task that can is marked with @loom_worker.checks")


def main():
    # `-m` has put the current folder first, where tasks leave files: nothing goes before what Loom ships.
    if sys.path[0] != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
        del sys.path[0]
    descriptor = int(os.environ.get("LOOM_WORKER_FD", "3"))
    wakes = interrupts.Interrupts()
    try:
        line = channel.Channel(descriptor, wakes)
        greeting = line.hello("python " + platform.python_version())
    except (channel.frames.ProtocolError, OSError) as error:
        sys.exit(f"loom_worker: descriptor {descriptor}: {error}")
    if greeting is None:
        return
    serving.open_with(line, wakes)
    os.environ.update(greeting.get("env") or {})
    capture.install()
    try:
        Worker(line, wakes, load.Loader(greeting.get("paths") or [])).serve()
    except BaseException as error:  # A call that is none, or a bug here: there is nobody else to tell.
        os.write(2, f"loom_worker: {verdict.place(error)}{error!r}\n".encode("utf-8", "replace"))
        channel.end(1)


class Worker:
    def __init__(self, line, wakes, loader):
        self._line, self._wakes, self._loader = line, wakes, loader
        self._folder = os.getcwd()
        self._environment = dict(os.environ)
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self._arguments, self._path = list(sys.argv), list(sys.path)
        self._threads = threading.active_count()

    def serve(self):
        while True:
            order = self._line.next_order()
            if order["type"] == "inspect":
                self._line.send({"type": "result", "call": order["id"], **self._inspect(order["task"])})
            else:
                self._serve(calls.Call(order))
            self._clean()

    def _serve(self, call):
        calls.enter(call)
        value = None
        try:
            self._wakes.open()
            task = self._loader.load(call.task)
            calls.begin()
            value = values.as_json(invoke(task, call))
            self._wakes.close()
            end = verdict.Verdict("changed" if call.changed else "ok")
        except BaseException as error:  # SystemExit and what the task made up itself are its end, not the worker's.
            self._wakes.close()
            end = verdict.judge(error)
            if end.state == "ok" and call.changed:
                end.state = "changed"
        if end.detail:
            self._streams[2].write(end.detail)
        capture.flush()
        capture.end_call()
        result = {"type": "result", "call": call.id, "state": end.state, "message": end.message[:WORDS_MAX],
                  "value": value}
        if end.exit_status is not None:
            result["exit_status"] = end.exit_status
        if threading.active_count() > self._threads:
            result["last"] = True  # What the task left running may speak into a later call.
        self._line.send(result)

    def _inspect(self, task):
        try:
            self._wakes.open()
            found = self._loader.load(task)
            self._wakes.close()
        except load.NoSuchTask as error:
            self._wakes.close()
            return {"state": "failed", "message": str(error), "value": None}
        except BaseException as error:
            self._wakes.close()
            return {"state": "failed", "message": (verdict.place(error) + verdict.summary(error))[:WORDS_MAX], "value": None}
        if not callable(found) and not hasattr(found, "loom_call"):
            return {"state": "failed", "message": f"{task} is no callable, but {_article(found)}", "value": None}
        return {"state": "ok", "message": "", "value": describe(found)}

    def _clean(self):
        """What a task changed of the process does not reach the next one."""
        try:
            os.chdir(self._folder)
        except OSError:
            pass  # It was removed, by the task or by somebody else.
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        sys.stdin, sys.stdout, sys.stderr = self._streams
        sys.argv[:], sys.path[:] = self._arguments, self._path


def invoke(task, call):
    """Calls it as its kind wants to be called, and returns what it returns."""
    body = getattr(task, "loom_call", task)
    if not callable(body):
        raise load.NoSuchTask(f"{call.task} is no callable, but {_article(task)}")
    marked = (task, getattr(task, "loom_body", task))
    if call.check and not any(getattr(part, "loom_checks", False) for part in marked):
        raise CannotCheck(call.task)
    value = body(*call.args, **call.kwargs)
    if inspect.iscoroutine(value):
        import asyncio
        value = asyncio.run(value)
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise TypeError(f"{call.task} returns a generator, which nobody iterates: its body has not run")
    return value


def describe(found):
    body = getattr(found, "loom_body", found)
    try:
        signature = str(inspect.signature(body))
    except (TypeError, ValueError):
        signature = "(...)"
    text = inspect.getdoc(body) or ""
    return {"signature": signature[:WORDS_MAX], "summary": text.strip().partition("\n")[0][:WORDS_MAX]}


def _article(thing):
    name = "module" if inspect.ismodule(thing) else type(thing).__name__
    return ("an " if name[0] in "aeiou" else "a ") + name
