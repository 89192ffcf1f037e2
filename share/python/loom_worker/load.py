"""Finds a task by its import path, and imports it anew when its files have changed."""
import difflib
import importlib
import os
import sys

from . import call as calls


class NoSuchTask(Exception):
    """The words are for a person: what was looked for, and what is there."""


class Loader:
    """Imports from the plugin's paths. What was imported from there is forgotten when a file of it has changed, when
    a task imported more while it ran, and when the next task is another module's: so every call sees its module as if
    it had just been started, whatever was served before."""

    def __init__(self, paths):
        self._paths = [os.path.realpath(path) for path in paths]
        self._own = {}
        self._module = None
        self._seen = None
        self._begun = False

    def load(self, task):
        """The module and the object of `package.module.name`."""
        again = self._module is not None and task.startswith(self._module + ".") and self._seen == self._own_files()
        if self._begun and not again:
            self._forget()
        self._begun, self._module = True, None
        before = set(sys.modules)
        module, rest = self._import(task)
        found, path = module, module.__name__
        for name in rest:
            if not hasattr(found, name) and not _is_module(f"{path}.{name}"):
                raise NoSuchTask(f"{path} has no {name}" + _near(name, dir(found)))
            found = getattr(found, name)
            path += "." + name
        self._module, self._seen = module.__name__, self._own_files()
        if not again:
            calls.loaded(module.__name__, module.__name__ not in before)
        return found

    def _import(self, task):
        names = task.split(".")
        if len(names) < 2 or not all(name.isidentifier() for name in names):
            raise NoSuchTask(f"{task} is no import path: module.callable was expected")
        importlib.invalidate_caches()
        for length in range(len(names) - 1, 0, -1):
            path = ".".join(names[:length])
            try:
                return importlib.import_module(path), names[length:]
            except ModuleNotFoundError as error:
                # Only that this very module, or what holds it, is not there; not what it imports itself.
                if error.name is None or not (path == error.name or path.startswith(error.name + ".")):
                    raise
        raise NoSuchTask(f"no module {names[0]}" + _near(names[0], self._modules()) + " in " +
                         (", ".join(self._paths) or "Python's own path"))

    def _modules(self):
        for path in self._paths:
            try:
                for entry in os.scandir(path):
                    if entry.name.endswith(".py") or entry.is_dir():
                        yield entry.name.partition(".")[0]
            except OSError:
                continue

    def _own_files(self):
        """Module -> what tells one state of its file from another, for all modules from the plugin's paths."""
        found = {}
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if path and self._is_own(path):
                found[name] = _state(path)
        return found

    def _is_own(self, path):
        if path not in self._own:
            real = os.path.realpath(path)
            self._own[path] = any(real.startswith(own + os.sep) for own in self._paths)
        return self._own[path]

    def _forget(self):
        for name, module in list(sys.modules.items()):
            if any(map(self._is_own, _places(module))):
                del sys.modules[name]
        calls.forget()


def _is_module(path):
    """Whether a module was meant where a callable is wanted; `_import` stops before the last name, since a function
    goes before a module of the same name."""
    try:
        return importlib.import_module(path) is not None
    except ImportError:
        return False


def _places(module):
    """Where a module lies; a package without __init__.py has only folders."""
    path = getattr(module, "__file__", None)
    if path:
        return [path]
    try:
        return [os.path.join(folder, "__init__.py") for folder in getattr(module, "__path__", ())]
    except (TypeError, KeyError):
        return []


def _state(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _near(name, names):
    near = difflib.get_close_matches(name, {str(other) for other in names if not str(other).startswith("__")}, 1)
    return f" (did you mean {near[0]}?)" if near else ""
