"""What a Python task may say to Loom, and ask of it. `import loom_worker as loom`:

    loom.node       the node: name, host, port, user, labels, groups, vars
    loom.run        the run: id, due, job, targets
    loom.check      whether this is `--check`: tell what would change, and change nothing
    loom.remote     run, put, get, stat on the node

    loom.changed()                  the node's state will be `changed`, not `ok`
    loom.progress("3 of 10", 0.3)   how far the task is
    loom.log("slow disk", "warning")    a line in the daemon's log
    @loom.checks                    the task heeds loom.check
"""
import importlib

from . import call as _call
from . import serving as _serving

__all__ = ["changed", "checks", "log", "progress"]


def __getattr__(name):
    if name in ("node", "run", "check"):
        return getattr(_call.current(), name)
    if name == "remote":
        return importlib.import_module(".remote", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def changed(yes=True):
    """Says that the task changed something on the node."""
    _call.current().changed = bool(yes)


def progress(text, part=None):
    """Says how far the task is; `part` goes from 0 to 1."""
    message = {"type": "progress", "call": _call.current().id, "text": str(text)[:4096]}
    if part is not None:
        message["part"] = min(1.0, max(0.0, float(part)))
    _serving.channel().send(message)


def log(text, level="info"):
    """A line in the daemon's log: debug, info, warning or error."""
    if level not in ("debug", "info", "warning", "error"):
        raise ValueError(f"no level {level!r}: debug, info, warning or error was expected")
    call = _call.current_or_none()
    message = {"type": "log", "level": level, "text": str(text)[:4096]}
    if call is not None:
        message["call"] = call.id
    _serving.channel().send(message)


def checks(task):
    """Marks a task that changes nothing where `loom.check` is true, and says `changed()` where it would."""
    task.loom_checks = True
    return task
