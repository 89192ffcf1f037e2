"""What the task prints becomes the node's output: sys.stdout and sys.stderr send frames while a call is served."""
import io
import sys
import threading

from . import serving
from .call import current_or_none

# Characters in one frame. Each takes at most six bytes of JSON, so a frame stays far below its bound.
PIECE_MAX = 64 * 1024


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, text):
        self._text = text

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self._text.write(data.decode("utf-8", "replace"))
        return len(data)

    def flush(self):
        self._text.flush()


class Output(io.TextIOBase):
    """One stream. Whole lines go at once; the rest waits for its line's end, a flush, or the next request, so that
    the task's words and those of its commands keep their order."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, stream, descriptor):
        self._stream, self._descriptor = stream, descriptor
        self._lock = threading.Lock()
        self._text = []
        self.buffer = _Bytes(self)

    def writable(self):
        return True

    def fileno(self):
        # A child that is given this stream writes to the pipe that the daemon reads.
        return self._descriptor

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self._text.append(text)
        if "\n" in text or len(text) > PIECE_MAX:
            self.flush()
        return len(text)

    def flush(self):
        with self._lock:
            text = "".join(self._text)
            self._text.clear()
        call = current_or_none()
        if call is None:
            return  # Between calls it would be nobody's.
        for start in range(0, len(text), PIECE_MAX):
            serving.channel().send({"type": "output", "call": call.id, "stream": self._stream,
                                    "text": text[start:start + PIECE_MAX]})


def install():
    """For the life of the process, so that what keeps a stream (a logging handler) goes on to work in later calls."""
    sys.stdout, sys.stderr = Output("out", 1), Output("err", 2)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError):
            pass  # The task has put something of its own there.
