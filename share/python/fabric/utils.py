"""Fabric 1's words to a person, and its two ways to fail."""
import os
import sys
import textwrap

from loom_worker import call as calls

from .state import env, output


class Abort(SystemExit):
    """The end of a task that `abort` was called in."""

    def __init__(self, message, exit_status=1):
        super().__init__(1)
        self.message, self.exit_status = message, exit_status

    def __str__(self):
        return self.message

    def loom_verdict(self, verdict):
        return verdict("failed", (self.message.strip().splitlines() or ["aborted"])[0], exit_status=self.exit_status)


def abort(msg):
    """Ends the task as failed."""
    fail(str(msg))


def fail(message, first_line=None, exit_status=1):
    """`first_line` is what the run's summary shows."""
    if env.abort_exception:
        raise env.abort_exception(message)
    if output.aborts:
        sys.stderr.write(f"\nFatal error: {message}\n\nAborting.\n")
    raise Abort(first_line or message, exit_status)


def warn(msg):
    if output.warnings:
        sys.stderr.write(f"\nWarning: {msg}\n\n")


def error(message, func=None, exception=None, stdout=None, stderr=None):
    """Warns where `warn_only` holds, else aborts."""
    if exception is not None:
        message += f"\n\nUnderlying exception:\n{indent(str(exception))}"
    for name, text in (("output", stdout), ("error", stderr)):
        if text and not output[{"output": "stdout", "error": "stderr"}[name]]:
            message += f"\n\nStandard {name}:\n{indent(text)}"
    (func or (warn if env.warn_only else abort))(message)


def puts(text, show_prefix=None, end="\n", flush=False):
    """Prints, unless output of the level `user` is hidden. Output belongs to a node already: there is no prefix."""
    if output.user:
        sys.stdout.write(f"{text}{end}")
        if flush:
            sys.stdout.flush()


def fastprint(text, show_prefix=False, end="", flush=True):
    puts(text, show_prefix, end, flush)


def indent(text, spaces=4, strip=False):
    """The lines of a text, or of a list of them, moved to the right."""
    text = text if isinstance(text, str) else "\n".join(text)
    if strip:
        text = textwrap.dedent(text)
    return "\n".join(" " * spaces + line for line in text.splitlines())


def apply_lcwd(path, settings=None):
    """A local path from the folder of `lcd`."""
    settings = env if settings is None else settings
    folder = settings.lcwd.replace(r"\ ", " ") if settings.lcwd else ""
    return os.path.join(os.path.expanduser(folder), os.path.expanduser(path))


def running(words):
    """What is being done, where it is shown."""
    if output.running:
        print(words)


def own_node():
    """Refuses where the task has turned to another node or user: the wrong place is no place to run a command in."""
    node = calls.current().node
    host = str(env.host_string or "").rpartition("@")[2]
    host = host.partition(":")[0] if host.count(":") == 1 else host
    if host not in (node.name, node.host):
        abort(f"env.host_string is {env.host_string!r}: a task speaks to its own node only, which is {node.name}")
    if env.user != node.user:
        abort(f"env.user is {env.user!r}, but Loom logs in to {node.name} as {node.user!r}: "
              "who is said for the node; sudo(user=...) becomes another user")
