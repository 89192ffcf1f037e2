"""What can go wrong with a command, as Invoke names it."""


class Failure(Exception):
    """A command that did not end as it should: `result`, and a `reason` where another exception led to it."""

    def __init__(self, result, reason=None):
        super().__init__(result, reason)
        self.result = result
        self.reason = reason

    def streams_for_display(self):
        """Both streams for a person: what was printed already is not told twice."""
        def shown(stream):
            return self.result.tail(stream) if stream in self.result.hide else " already printed"

        return shown("stdout"), " n/a (PTYs have no stderr)" if self.result.pty else shown("stderr")

    def _described(self, first, *more):
        out, err = self.streams_for_display()
        parts = [first, f"Command: {self.result.command!r}", *more, f"Stdout:{out}", f"Stderr:{err}"]
        return "\n\n".join(parts) + "\n\n"

    def __repr__(self):
        return f"<{type(self).__name__}: cmd={self.result.command!r}>"

    def loom_verdict(self, verdict):
        exited = self.result.exited
        return verdict("failed", f"{self.result.command!r} {self._ending()}", str(self), exited)

    def _ending(self):
        return f"failed: {self.reason}" if self.reason else "failed"


class UnexpectedExit(Failure):
    """It ended with an exit status other than 0."""

    def __str__(self):
        return self._described("Encountered a bad command exit code!", f"Exit code: {self.result.exited}")

    def __repr__(self):
        return f"<{type(self).__name__}: cmd={self.result.command!r} exited={self.result.exited}>"

    def _ending(self):
        return f"exited with {self.result.exited}"


class CommandTimedOut(Failure):
    """It did not end in time."""

    def __init__(self, result, timeout):
        super().__init__(result)
        self.timeout = timeout

    def __str__(self):
        return self._described(f"Command did not complete within {self.timeout} seconds!")

    def __repr__(self):
        return f"<{type(self).__name__}: cmd={self.result.command!r} timeout={self.timeout}>"

    def _ending(self):
        return f"did not end within {self.timeout} s"


class AuthFailure(Failure):
    """A password was not accepted. Loom's daemon has the passwords: here it is never raised."""

    def __init__(self, result, prompt):
        super().__init__(result)
        self.prompt = prompt


class Exit(Exception):
    """A task's way to end early: silently and well, or with a message and an exit code."""

    def __init__(self, message=None, code=None):
        super().__init__(message, code)
        self.message = message
        self._code = code

    @property
    def code(self):
        if self._code is not None:
            return self._code
        return 1 if self.message else 0

    def loom_verdict(self, verdict):
        message = str(self.message or "")
        if self.code == 0:
            return verdict("ok", message, exit_status=0)
        return verdict("failed", message or f"the task exited with status {self.code}", message and message + "\n", self.code)


class ParseError(Exception):
    """An argument that a task does not take."""


class CollectionNotFound(Exception):
    """There is no such collection."""


class PlatformError(Exception):
    """What this system does not offer."""


class WatcherError(Exception):
    """A watcher saw what it may not go on with."""


class ResponseNotAccepted(WatcherError):
    """An answer that a watcher gave was turned down."""


class ThreadException(Exception):
    """Exceptions in threads of a local command."""

    exceptions = ()


class SubprocessPipeError(Exception):
    """A local command's pipes failed."""
