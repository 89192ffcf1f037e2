"""How a command's options are read, run and reported; here on the worker's own side, `fabric.runners` on the node."""
import os
import subprocess
import sys
import threading

from loom_worker import local

from .exceptions import CommandTimedOut, Failure, UnexpectedExit, WatcherError  # noqa: F401 (Failure: Invoke has it here)

HIDE = (None, False, "out", "stdout", "err", "stderr", "both", True)


class Options:
    """What `run` was told, by its arguments and else by the configuration."""

    def __init__(self, config, arguments):
        given = dict(config.run._map())
        for key in list(given):
            value = arguments.pop(key, None)
            if value is not None:
                given[key] = value
        given["timeout"] = arguments.pop("timeout", config.timeouts.command)
        if arguments:
            raise TypeError(f"run() got an unexpected keyword argument '{next(iter(arguments))}'")
        self.__dict__.update(given)
        if self.asynchronous and self.disown:
            raise ValueError("asynchronous and disown cannot be given together")
        if self.disown:
            raise ValueError("disown is not there: Loom keeps how each command ended")
        self.echo = True if self.dry else False if self.hide is True else self.echo
        self.hide = normalize_hide(True if self.asynchronous else self.hide, self.out_stream, self.err_stream)

    def streams(self):
        return {"out": self.out_stream or sys.stdout, "err": self.err_stream or sys.stderr}


def normalize_hide(value, out_stream=None, err_stream=None):
    """`hide` as a tuple of stream names. A stream that the caller took for itself is not hidden from it."""
    if value not in HIDE:
        raise ValueError(f"'hide' got {value!r} which is not in {HIDE!r}")
    hidden = {None: (), False: (), True: ("stdout", "stderr"), "both": ("stdout", "stderr"), "out": ("stdout",),
              "err": ("stderr",)}.get(value, (value,))
    taken = {"stdout": out_stream, "stderr": err_stream}
    return tuple(stream for stream in hidden if taken[stream] is None)


class Result:
    """How a command ended. Its truth is `ok`."""

    def __init__(self, stdout="", stderr="", encoding=None, command="", shell="", env=None, exited=0, pty=False,
                 hide=()):
        self.stdout = stdout
        self.stderr = stderr
        self.encoding = encoding or "UTF-8"
        self.command = command
        self.shell = shell
        self.env = {} if env is None else env
        self.exited = exited
        self.pty = pty
        self.hide = hide

    @property
    def return_code(self):
        return self.exited

    @property
    def ok(self):
        return self.exited == 0

    @property
    def failed(self):
        return not self.ok

    def __bool__(self):
        return self.ok

    def __str__(self):
        parts = [f"Command exited with status {self.exited}."]
        for stream in ("stdout", "stderr"):
            text = getattr(self, stream)
            parts.append(f"=== {stream} ===\n{text.rstrip()}\n" if text else f"(no {stream})")
        return "\n".join(parts)

    def __repr__(self):
        return f"<Result cmd={self.command!r} exited={self.exited}>"

    def tail(self, stream, count=10):
        """The stream's last lines, below an empty one."""
        return "\n\n" + "\n".join(getattr(self, stream).splitlines()[-count:])


class Promise:
    """A command that runs on while the task goes on; `join` waits for its result, or raises what went wrong."""

    def __init__(self, command, finish):
        self.command = command
        self._result = self._error = None
        self._thread = threading.Thread(target=self._run, args=(finish,), daemon=True)
        self._thread.start()

    def _run(self, finish):
        try:
            self._result = finish()
        except BaseException as error:  # Told to who joins.
            self._error = error

    def join(self):
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.join()


class Runner:
    """Runs one command by the options of its context. A kind of runner says how (`execute`) and with what (`environment`)."""

    def __init__(self, context):
        self.context = context

    def run(self, command, **arguments):
        options = Options(self.context.config, arguments)
        if options.echo:
            print(options.echo_format.format(command=command))
        if options.asynchronous:
            return Promise(command, lambda: self._finish(command, options))
        return self._finish(command, options)

    def _finish(self, command, options):
        env = self.environment(options)
        pty = self.has_terminal(options)

        def result(out, err, exited):
            return self.result(stdout=out, stderr=err, exited=exited, command=command, shell=options.shell, env=env,
                               pty=pty, hide=options.hide, encoding=options.encoding)

        if options.dry:
            return result("", "", 0)
        streams = options.streams()

        def show(stream, text):
            if "std" + stream not in options.hide:
                streams[stream].write(text)
                streams[stream].flush()

        try:
            out, err, exited = self.execute(command, options, env, show)
        except local.Expired as expired:
            raise CommandTimedOut(result(expired.out, expired.err, expired.status), options.timeout) from None
        except WatcherError as error:
            raise Failure(result("", "", None), reason=error) from None
        ended = result(out, err, exited)
        if not (ended or options.warn):
            raise UnexpectedExit(ended)
        return ended

    def has_terminal(self, options):
        return bool(options.pty)

    result = Result


class Local(Runner):
    """In the worker itself, and so in its sandbox. There is no terminal to pass on: `pty` falls back to none."""

    def environment(self, options):
        return dict(options.env) if options.replace_env else {**os.environ, **options.env}

    def has_terminal(self, options):
        return False

    def execute(self, command, options, env, show):
        source = options.in_stream
        text = source.read() if hasattr(source, "read") else None
        watchers = options.watchers
        process = subprocess.Popen([options.shell, "-c", command], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=subprocess.PIPE if text is not None or watchers else subprocess.DEVNULL)
        answer = (lambda seen: [response for watcher in watchers for response in watcher.submit(seen)]) if watchers else None
        return local.converse(process, show, options.timeout, text, answer)
