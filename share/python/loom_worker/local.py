"""A process on the worker's own side, in its sandbox: read to the end of both streams, ended when its time is over."""
import codecs
import os
import subprocess
import threading

# Characters of one stream that are kept for a result: more is a command that was not meant to be read whole.
KEPT_MAX = 16 * 1024 * 1024


class TooMuch(Exception):
    """A command printed more than can be kept, and was ended."""


class Expired(Exception):
    """The command's own time was over; this is what it had printed, and how it was ended."""

    def __init__(self, out, err, status):
        super().__init__()
        self.out, self.err, self.status = out, err, status


def converse(process, show, timeout=None, text=None, answer=None, keep=True):
    """Both streams, where they are to be kept, and the exit status of a process with pipes. `show(stream, text)` gets
    what comes as it comes; `answer(text so far)` yields what is written to its input then."""
    kept, sizes = {"out": [], "err": []}, {"out": 0, "err": 0}
    decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in kept}
    faults, answering = [], threading.Lock()

    def respond(stream):
        seen = "".join(kept[stream])
        with answering:
            for response in answer(seen):
                process.stdin.write(response.encode())
                process.stdin.flush()

    def read(stream, pipe):
        try:
            while True:
                piece = os.read(pipe.fileno(), 65536)
                if not piece:
                    return
                piece = decoders[stream].decode(piece)
                show(stream, piece)
                if not keep:
                    continue
                kept[stream].append(piece)
                sizes[stream] += len(piece)
                if sizes[stream] > KEPT_MAX:
                    raise TooMuch(f"{process.args}: printed more than {KEPT_MAX >> 20} MiB, which is not kept")
                if answer:
                    respond(stream)
        except (OSError, ValueError):
            pass  # The process was ended, and its pipes were closed.
        except BaseException as error:  # Raised again where it can be caught.
            faults.append(error)
            process.kill()

    readers = [threading.Thread(target=read, args=pair, daemon=True)
               for pair in (("out", process.stdout), ("err", process.stderr))]
    with process:
        try:
            for reader in readers:
                reader.start()
            if text is not None:
                _feed(process.stdin, text)
            process.wait(timeout)
            for reader in readers:
                # Once something is wrong nobody waits for what the process has left behind and still holds the pipes.
                while reader.is_alive() and not faults:
                    reader.join(0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Expired("".join(kept["out"]), "".join(kept["err"]), process.wait()) from None
        except BaseException:
            process.kill()
            raise
    if faults:
        raise faults[0]
    return "".join(kept["out"]), "".join(kept["err"]), process.returncode


def _feed(pipe, text):
    try:
        pipe.write(text if isinstance(text, bytes) else text.encode())
        pipe.close()
    except BrokenPipeError:
        pass  # It did not want it all.
