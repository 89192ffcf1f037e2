"""Fabric 1's contexts: settings that hold within a block."""
from contextlib import ExitStack, contextmanager

from .shell import path_join
from .state import env, output
from .utils import abort


@contextmanager
def _changed(target, values):
    """The values within, what was there before afterwards."""
    missing = object()
    before = {key: target.get(key, missing) for key in values}
    target.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is missing:
                target.pop(key, None)
            else:
                dict.__setitem__(target, key, value)


@contextmanager
def _shown(names, value):
    levels = list(output.expand(names))
    unknown = [level for level in levels if level not in output]
    if unknown:
        abort(f"no output level is named {unknown[0]}")
    with _changed(output, dict.fromkeys(levels, value)):
        yield


@contextmanager
def show(*groups):
    with _shown(groups, True):
        yield


@contextmanager
def hide(*groups):
    with _shown(groups, False):
        yield


@contextmanager
def settings(*managers, **values):
    """Contexts, and then values of `env`."""
    values.pop("clean_revert", None)
    with ExitStack() as stack:
        for manager in managers:
            stack.enter_context(manager)
        stack.enter_context(_changed(env, values))
        yield


def warn_only():
    return settings(warn_only=True)


def quiet():
    return settings(hide("everything"), warn_only=True)


def cd(path):
    """Commands on the node, put and get within start in this folder."""
    return settings(cwd=path_join(env.cwd, path))


def lcd(path):
    """Local commands and local paths within start in this folder."""
    return settings(lcwd=path_join(env.lcwd, path))


def path(path, behavior="append"):
    """A folder on the PATH of commands within."""
    if behavior not in ("append", "prepend", "replace"):
        abort(f"path: behavior {behavior!r}; append, prepend or replace was expected")
    joined = {"append": f"{env.path}:{path}", "prepend": f"{path}:{env.path}"}.get(behavior, path) if env.path else path
    return settings(path=joined, path_behavior=behavior)


def prefix(command):
    """Commands within run after this one, joined by `&&`."""
    return settings(command_prefixes=[*env.command_prefixes, command])


def shell_env(**variables):
    return settings(shell_env={**env.shell_env, **variables})


@contextmanager
def char_buffered(pipe):
    """There is no terminal whose buffering could be changed."""
    yield


def remote_tunnel(*_arguments, **_more):
    abort("remote_tunnel is not there: the worker has no network of the node")
