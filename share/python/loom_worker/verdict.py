"""What becomes of a task's exception: the failure's one line, its traceback, an exit status."""
import importlib
import os
import traceback

from .call import Cancelled
from .load import NoSuchTask
from .remote import RemoteError

# Frames that say nothing of a task: the worker's and its shims', and Python's own import.
NOT_THE_TASKS = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep, importlib.__file__, "<frozen importlib")


class Verdict:
    """`message` is what a person reads first, `detail` goes to the node's standard error."""

    def __init__(self, state, message="", detail="", exit_status=None):
        self.state, self.message, self.detail, self.exit_status = state, message, detail, exit_status


def judge(error):
    if isinstance(error, Cancelled):
        return Verdict("failed", str(error) or "cancelled")
    # An exception of a shim knows its own words (fabric.utils, invoke.exceptions).
    if hasattr(error, "loom_verdict"):
        return error.loom_verdict(Verdict)
    if isinstance(error, SystemExit):
        return _exit(error.code)
    if isinstance(error, NoSuchTask):
        return Verdict("failed", str(error))
    if isinstance(error, RemoteError):
        return Verdict("failed", _first_line(str(error)), trimmed(error))
    return Verdict("failed", summary(error), trimmed(error))


def _exit(code):
    if isinstance(code, int):
        code = int(code) & 0xff  # as the system would keep it
    if code is None or code == 0:
        return Verdict("ok", exit_status=0)
    if isinstance(code, int):
        return Verdict("failed", f"the task exited with status {code}", exit_status=code)
    return Verdict("failed", _first_line(str(code)), f"{code}\n", exit_status=1)


def summary(error):
    """The last line of its traceback; the first where the exception's own words have several."""
    return _first_line(traceback.format_exception_only(type(error), error)[-1]) or type(error).__name__


def place(error):
    """`deploy.py:3: ` of the innermost frame that is the task's own, or of the line that is no Python."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)}:{error.lineno}: "
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((*NOT_THE_TASKS, "<")):
            return f"{os.path.basename(frame.filename)}:{frame.lineno}: "
    return ""


def trimmed(error):
    """The traceback without frames of this worker and its shims."""
    described = traceback.TracebackException.from_exception(error)
    todo, seen = [described], set()
    while todo:
        part = todo.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not frame.filename.startswith(NOT_THE_TASKS)])
        todo += [part.__cause__, part.__context__]
    return "".join(described.format())


def _first_line(text):
    return (text.strip().splitlines() or [""])[0]
