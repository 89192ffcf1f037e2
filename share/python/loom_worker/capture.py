"""What the task prints becomes the node's output: sys.stdout and sys.stderr send frames while a call is served."""
import codecs
import io
import os
import sys
import threading
import time

from . import serving
from .call import current_or_none, enter

# Characters in one frame. Each takes at most six bytes of JSON, so a frame stays far below its bound.
PIECE_MAX = 64 * 1024
# Of what was printed and waits.
PIECES_MAX = 4096
# Nobody who watches sees the difference; a task that prints many lines makes few frames.
TOGETHER_SECONDS = 0.05

_streams = ()


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, text):
        self._text = text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self._text.write(self._decoder.decode(data))
        return len(data)

    def flush(self):
        self._text.flush()

    def close(self):
        """A wrapper that a task has put around it is gone; the stream stays."""
        self.flush()


class Output(io.TextIOBase):
    """One stream. What is printed goes at the next line's end, but lines that follow at once go together, a moment
    later; a flush and a request to the node let nothing wait, so that the task's words and those of its commands keep
    their order."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, stream, descriptor, soon):
        self._stream, self._descriptor, self._soon = stream, descriptor, soon
        self.name = f"<std{stream}>"
        self.become(forked=False)
        self._sent = 0.0
        self.buffer = _Bytes(self)

    def become(self, forked):
        """A forked child has nothing of what its parent had still to send, and prints to the pipe: it cannot send."""
        self.lock = threading.RLock()
        self._text = []
        self._forked = forked

    def writable(self):
        return True

    def close(self):
        self.flush()

    def reconfigure(self, **_options):
        """It is UTF-8 and goes by lines, whatever a task asks for."""

    def fileno(self):
        # A child that is given this stream writes to the pipe that the daemon reads.
        return self._descriptor

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self.lock:
            self._text.append(text)
            if len(self._text) >= PIECES_MAX or len(text) > PIECE_MAX:
                self.flush()
            elif "\n" in text:
                if time.monotonic() - self._sent > TOGETHER_SECONDS:
                    self.flush()
                else:
                    self._soon.set()
        return len(text)

    def flush(self):
        with self.lock:
            text = "".join(self._text)
            self._text.clear()
            call = current_or_none()
            if self._forked:
                os.write(self._descriptor, text.encode("utf-8", "replace"))
                return
            if call is None or not text:
                return  # Between calls it would be nobody's.
            for start in range(0, len(text), PIECE_MAX):
                serving.channel().send({"type": "output", "call": call.id, "stream": self._stream,
                                        "text": text[start:start + PIECE_MAX]})
            self._sent = time.monotonic()


def install():
    """For the life of the process, so that what keeps a stream (a logging handler) goes on to work in later calls."""
    global _streams
    soon = threading.Event()
    _streams = sys.stdout, sys.stderr = Output("out", 1, soon), Output("err", 2, soon)
    os.register_at_fork(after_in_child=lambda: [stream.become(forked=True) for stream in _streams])
    threading.Thread(target=_send_later, args=(soon,), name="loom-worker-output", daemon=True).start()


def _send_later(soon):
    while True:
        soon.wait()
        time.sleep(TOGETHER_SECONDS)
        soon.clear()
        for stream in _streams:
            stream.flush()


def end_call():
    """Sends what waits. Whatever threads the task has left: nothing of this call comes behind its result."""
    out, err = _streams
    with out.lock, err.lock:
        out.flush()
        err.flush()
        enter(None)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError):
            pass  # The task has put something of its own there.
