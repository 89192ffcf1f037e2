"""Fabric 1's decorators. The job's targets say where a task runs; `hosts` and `roles` say it to `execute` only."""
from functools import wraps

from loom_worker import call as calls

from . import tasks
from .context_managers import settings
from .utils import abort, running


def task(*args, **kwargs):
    """`@task` or `@task(alias=…, name=…, default=…, task_class=…)`."""
    kind = kwargs.pop("task_class", tasks.WrappedCallableTask)
    if len(args) == 1 and callable(args[0]) and not kwargs:
        return kind(args[0])
    return lambda function: kind(function, *args, **kwargs)


def _flat(names):
    """`("a", "b")` of `("a", "b")` and of `(["a", "b"],)`."""
    return list(names[0]) if len(names) == 1 and not isinstance(names[0], str) else list(names)


def _marked(function, **marks):
    for name, value in marks.items():
        setattr(function, name, value)
    return function


def hosts(*names):
    return lambda function: _marked(function, hosts=_flat(names))


def roles(*names):
    return lambda function: _marked(function, roles=_flat(names))


def runs_once(function):
    """Each node is a call of its own, so the run's first target does it, once, and the others do without: there it
    returns None."""
    @wraps(function)
    def once(*args, **kwargs):
        call = calls.current()
        if not call.run.targets:
            abort(f"{function.__name__} runs once: this run has more targets than a call is told, so nobody knows the first")
        first = call.run.targets[0]
        if first != call.node.name:
            running(f"{function.__name__} runs once, for {first}")
            return None
        return call.remember(("runs_once", function), lambda: function(*args, **kwargs))

    return _marked(once, return_value=None)


def parallel(pool_size=None):
    """How many nodes are worked on at once is said by the job (`limits: {parallel: N}`); this is only kept."""
    if callable(pool_size):
        return _marked(pool_size, parallel=True, serial=False, pool_size=None)
    return lambda function: _marked(function, parallel=True, serial=False, pool_size=pool_size)


def serial(function):
    return _marked(function, parallel=False, serial=True)


def ensure_order(sorted=False):
    """Kept for fabfiles that use it: a call has one host."""
    return sorted if callable(sorted) else lambda function: function


def with_settings(*managers, **values):
    """The function within `settings`."""
    def decorate(function):
        @wraps(function)
        def inner(*args, **kwargs):
            with settings(*managers, **values):
                return function(*args, **kwargs)

        return inner

    return decorate
