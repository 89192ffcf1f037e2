"""Commands on the node, as Fabric 2 runs and reports them."""
import shlex

import invoke.runners
from invoke.exceptions import PlatformError
from loom_worker import call as calls
from loom_worker import local, remote


class Result(invoke.runners.Result):
    """A command's result, and the connection that it ran on."""

    def __init__(self, connection=None, **values):
        super().__init__(**values)
        self.connection = connection


class Remote(invoke.runners.Runner):
    def __init__(self, context, sudo=None):
        super().__init__(context)
        self.sudo = sudo

    def environment(self, options):
        return dict(options.env)

    def result(self, **values):
        return Result(connection=self.context, **values)

    def execute(self, command, options, env, show):
        if options.watchers:
            raise PlatformError("watchers are not there on a node: a command's input is given whole, by in_stream")
        source = options.in_stream
        call = calls.current()
        try:
            ran = remote.execute(exporting({**call.env, **env}, command), sudo=self.sudo or call.become, pty=options.pty,
                             stdin=source.read() if hasattr(source, "read") else None, timeout=options.timeout,
                             on_output=show, shown=command)
        except remote.TimedOut as late:
            if options.timeout is None:
                raise  # The job's deadline, not one that the task set.
            raise local.Expired(late.out, late.err, -1) from None
        return ran.out, ran.err, ran.exit_status


def exporting(env, command):
    """The command with variables set before it."""
    if not env:
        return command
    words = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in sorted(env.items()))
    return f"export {words} && {command}"
