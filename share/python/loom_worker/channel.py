"""The worker's line to the daemon: whole frames out from any thread, a reader thread that sorts what comes in."""
import itertools
import os
import queue
import signal
import sys
import threading

from . import frames
from .call import Cancelled, current

# Live output that waits for a slow task is dropped beyond this: the daemon keeps no more of it either.
LIVE_MAX = 1024 * 1024
# Of one call. A task with more threads waits for its turn here; the daemon takes more for a flood.
REQUESTS_MAX = 32
# The daemon sends one call and waits for its result.
ORDERS_MAX = 4


class Pending:
    """A request that was sent: pieces of output, then the reply."""

    def __init__(self):
        self._events = queue.SimpleQueue()
        self._waiting = 0
        self._cut = False

    def feed(self, kind, what):
        """From the reader thread, which must never wait for the task: a cancel would stand behind it."""
        if kind != "reply":
            # Once a piece is dropped, all later ones are: what was shown stays the beginning of the whole, and the
            # reply has the rest.
            self._cut = self._cut or self._waiting > LIVE_MAX
            if self._cut:
                return
            self._waiting += len(what)
        self._events.put((kind, what))

    def wait(self, on_output=None):
        """The reply. `on_output(stream, text)` gets each piece as it comes."""
        while True:
            kind, what = self._events.get()
            if kind == "reply":
                return what
            self._waiting -= len(what)
            if on_output:
                on_output(kind, what)


class Channel:
    def __init__(self, descriptor, interrupts):
        self._frames = frames.FrameSocket(descriptor)
        self._interrupts = interrupts
        self._process = os.getpid()
        self._writing = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending = {}
        self._turns = threading.BoundedSemaphore(REQUESTS_MAX)
        self._orders = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._serving = None
        self._ended_early = {}  # calls that wait -> why they are cancelled, or None

    def hello(self, name):
        """Hears the daemon's first frame, answers it, and begins to listen."""
        greeting = self._frames.receive()
        if greeting is None:
            return None
        if greeting["type"] != "hello" or greeting.get("protocol") != 1:
            raise frames.ProtocolError("the first frame is no hello of protocol 1")
        self.send({"type": "hello", "protocol": 1, "worker": name})
        threading.Thread(target=self._listen, name="loom-worker-reader", daemon=True).start()
        return greeting

    def next_order(self):
        """The next call or inspect, as it came. Blocks until there is one: the end of the stream ends the process."""
        order = self._orders.get()
        with self._turn:
            self._serving = order["id"]
            self._interrupts.reset()
            reason = self._ended_early.pop(order["id"], None)
            if reason is not None:
                self._interrupts.cancel(reason)
        return order

    def send(self, message, descriptor=None):
        frame = frames.encode(message)
        if os.getpid() != self._process:
            raise RuntimeError("a forked child cannot speak to the daemon: only the worker itself can")
        self._interrupts.hold()
        try:
            with self._writing:
                self._frames.send(frame, descriptor)
        except BrokenPipeError:
            end()
        finally:
            self._interrupts.release()

    def request(self, body, descriptor=None):
        """Asks the daemon to do something on the call's node. Any thread."""
        call = current()
        if self._interrupts.reason is not None:
            raise Cancelled(self._interrupts.reason)
        self._turns.acquire()
        number = next(self._numbers)
        pending = self._pending[number] = Pending()
        try:
            self.send({"type": "remote", "call": call.id, "id": number, **body}, descriptor)
        except ValueError:  # It was too large, and has not been sent.
            self._answered(number)
            raise
        return pending

    def _answered(self, number):
        pending = self._pending.pop(number, None)
        if pending:
            self._turns.release()
        return pending

    def _listen(self):
        try:
            while True:
                message = self._frames.receive()
                if message is None:
                    end()
                self._sort(message)
        except (frames.ProtocolError, KeyError, TypeError) as error:
            os.write(2, f"loom_worker: {error!r}\n".encode())
            end(1)

    def _sort(self, message):
        kind = message["type"]
        if kind == "output":
            pending = self._pending.get(message["id"])
            if pending:
                pending.feed("err" if message["stream"] == "err" else "out", str(message["text"]))
        elif kind == "reply":
            pending = self._answered(message["id"])
            if pending:
                pending.feed("reply", message)
        elif kind == "cancel":
            reason = str(message.get("reason") or "cancelled")
            with self._turn:
                if message["call"] in self._ended_early:
                    self._ended_early[message["call"]] = reason
                elif message["call"] == self._serving:
                    self._interrupts.cancel(reason)
        elif kind in ("call", "inspect"):
            if not isinstance(message["id"], int) or not isinstance(message["task"], str):
                raise frames.ProtocolError(f"a {kind} without an id or a task")
            if self._orders.qsize() >= ORDERS_MAX:
                raise frames.ProtocolError("calls come faster than they are answered")
            with self._turn:
                self._ended_early[message["id"]] = None
            self._orders.put(message)
        else:
            raise frames.ProtocolError(f"an unknown type {kind!r}")


def end(status=0):
    """Ends the process as the daemon is gone: at once, and what the task started with it where the group is the
    worker's own."""
    try:
        sys.__stderr__.flush()
        if os.getpgrp() == os.getpid() and status == 0:
            os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(status)
