"""`@task`: a function whose first argument is a context. Loom calls it with the node's connection."""
import inspect

from .context import Context


class Task:
    def __init__(self, body, name=None, aliases=(), positional=None, optional=(), default=False, auto_shortflags=True,
                 help=None, pre=None, post=None, autoprint=False, iterable=None, incrementable=None):
        self.body = self.loom_body = body
        self.__doc__ = getattr(body, "__doc__", "")
        self.__name__ = getattr(body, "__name__", "")
        self.__module__ = getattr(body, "__module__", "")
        self._name = name
        self.aliases = aliases
        self.is_default = default
        if not list(inspect.signature(body).parameters):
            raise TypeError(f"{self.__name__}: a task's first argument is the context; it has none")
        self.positional = positional
        self.optional = optional
        self.auto_shortflags = auto_shortflags
        self.help = dict(help or {})
        self.pre = list(pre or [])
        self.post = list(post or [])
        self.autoprint = autoprint
        self.iterable = iterable or []
        self.incrementable = incrementable or []
        self.times_called = 0

    @property
    def name(self):
        return self._name or self.__name__

    @property
    def called(self):
        return self.times_called > 0

    def __call__(self, *args, **kwargs):
        if not args or not isinstance(args[0], Context):
            given = type(args[0]) if args else "nothing"
            raise TypeError(f"Task expected a Context as its first arg, got {given} instead!")
        result = self.body(*args, **kwargs)
        self.times_called += 1
        return result

    def loom_call(self, *args, **kwargs):
        """As the command line would: what goes before, the task, what comes after; each with a connection of its own
        that starts without prefixes."""
        from fabric.connection import Connection

        done, value = [], None
        for call in expand(Call(self, *args, **kwargs)):
            if call in done:
                continue  # What several tasks name before them runs once.
            done.append(call)
            result = call.task(Connection.of_this_call(), *call.args, **call.kwargs)
            if call.task is self:
                value = result
        if self.autoprint and value is not None:
            print(value)
        return value

    def __eq__(self, other):
        return isinstance(other, Task) and self.name == other.name and self.body == other.body

    def __hash__(self):
        return hash((self.name, self.body))

    def __repr__(self):
        aliases = f" ({', '.join(self.aliases)})" if self.aliases else ""
        return f"<Task {self.name!r}{aliases}>"


class Call:
    """A task together with its arguments."""

    def __init__(self, task, *args, **kwargs):
        self.task, self.args, self.kwargs = task, args, kwargs

    def __eq__(self, other):
        return isinstance(other, Call) and (self.task, self.args, self.kwargs) == (other.task, other.args, other.kwargs)

    __hash__ = None

    def __repr__(self):
        return f"<Call {self.task.name!r}, args: {self.args!r}, kwargs: {self.kwargs!r}>"


def call(task, *args, **kwargs):
    """For `pre` and `post`: a task with arguments."""
    return Call(task, *args, **kwargs)


def expand(wanted):
    """The calls before, the call itself, the calls after, each with its own."""
    task = wanted.task
    for before in task.pre:
        yield from expand(before if isinstance(before, Call) else Call(before))
    yield wanted
    for after in task.post:
        yield from expand(after if isinstance(after, Call) else Call(after))


def task(*args, **kwargs):
    """Makes a task of a function: `@task`, `@task(before, …)`, `@task(name=…, pre=[…], post=[…], …)`."""
    kind = kwargs.pop("klass", Task)
    if len(args) == 1 and callable(args[0]) and not isinstance(args[0], Task):
        return kind(args[0], **kwargs)
    if args:
        if "pre" in kwargs:
            raise TypeError("tasks that go before are given as arguments or as pre, not both")
        kwargs["pre"] = args
    return lambda body: kind(body, **kwargs)
