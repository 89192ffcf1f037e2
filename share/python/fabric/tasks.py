"""Fabric 1's tasks and `execute`; and Fabric 2's `task`, which has its place here, too."""
import sys

from loom_worker import call as calls

from .context_managers import settings
from .state import env
from .utils import abort, running


class Task:
    """A task as a class: `run` is what it does."""

    name = "undefined"
    use_task_objects = True
    aliases = None
    is_default = False

    def __init__(self, alias=None, aliases=None, default=False, name=None, *_args, **_kwargs):
        self.aliases = ([alias] if alias else []) + list(aliases or []) or None
        self.is_default = default
        if name is not None:
            self.name = name

    def run(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__} has no run()")

    def loom_call(self, *args, **kwargs):
        return self.run(*args, **kwargs)

    @property
    def loom_body(self):
        return self.run

    def get_hosts_and_effective_roles(self, _hosts, _roles, _exclude, _env=None):
        return [env.host_string], list(env.effective_roles)


class WrappedCallableTask(Task):
    """A task made of a function."""

    def __init__(self, function, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.wrapped = function
        if hasattr(function, "__name__") and kwargs.get("name") is None:
            self.name = function.__name__
        self.__name__ = getattr(function, "__name__", self.name)
        self.__doc__ = function.__doc__
        self.__module__ = getattr(function, "__module__", None)

    @property
    def loom_body(self):
        return self.wrapped

    def __call__(self, *args, **kwargs):
        return self.run(*args, **kwargs)

    def run(self, *args, **kwargs):
        return self.wrapped(*args, **kwargs)

    def __getattr__(self, name):
        if name == "wrapped":
            raise AttributeError(name)
        return getattr(self.wrapped, name)


def execute(task, *args, **kwargs):
    """Runs a task on this node, if it is among those that the task or the arguments want.

    Every node of the run is a call of its own and comes here by itself. What is wanted beyond the run's targets is refused."""
    wanted = {kind: _names(kwargs.pop(kind, None)) + _names(kwargs.pop(kind + "s", None)) for kind in ("host", "role")}
    excluded = _names(kwargs.pop("exclude_hosts", None))
    task = _named(task) if isinstance(task, str) else task
    if not any(wanted.values()):
        wanted = {kind: _names(getattr(task, kind + "s", None)) for kind in ("host", "role")}
    name = getattr(task, "name", None) or getattr(task, "__name__", str(task))
    if not _is_wanted(name, wanted, excluded):
        running(f"{name} is not for {env.host_string}")
        return {}
    body = task.run if isinstance(task, Task) else task
    with settings(command=name):
        return {env.host_string: body(*args, **kwargs)}


def _is_wanted(name, wanted, excluded):
    call = calls.current()
    own = {call.node.name, call.node.host}
    if not wanted["host"] and not wanted["role"]:
        return not own & set(map(_host, excluded))
    hosts = list(map(_host, wanted["host"]))
    here = False
    for role in wanted["role"]:
        # A role that the fabfile does not define is one of the node's groups.
        if role in env.roledefs:
            hosts += map(_host, _role_hosts(env.roledefs[role]))
        else:
            here = here or role in call.node.groups
    hosts = [host for host in hosts if host not in set(map(_host, excluded))]
    strangers = [host for host in hosts if host not in own and host not in call.run.targets]
    if strangers:
        abort(f"execute({name}): {', '.join(sorted(set(strangers)))} is no target of this run, "
              f"which has {', '.join(call.run.targets) or call.node.name}")
    return here or bool(own & set(hosts))


def _role_hosts(definition):
    definition = definition() if callable(definition) else definition
    return _names(definition.get("hosts", ()) if isinstance(definition, dict) else definition)


def _names(given):
    given = given() if callable(given) else given
    if not given:
        return []
    return [name for name in given.replace(",", ";").split(";") if name] if isinstance(given, str) else list(given)


def _host(text):
    """`user@host:port` -> `host`."""
    text = str(text).rpartition("@")[2]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _named(name):
    """A task of the module that the call's own task stands in."""
    module = calls.current().task
    while "." in module:
        module = module.rpartition(".")[0]
        if module in sys.modules:
            found = sys.modules[module]
            for part in name.split("."):
                found = getattr(found, part, None)
            if callable(found):
                return found
            abort(f"execute: {module} has no task {name}")
    abort(f"execute: there is no module to find {name} in")


def __getattr__(name):
    if name == "task":
        from .tasks2 import task
        return task
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
