"""The call that is being served: its facts, and what the task has said about itself. One at a time."""
import threading


class OutsideOfCall(RuntimeError):
    """There is no node to speak to, for instance because `loom check` only looks at the module."""


class Cancelled(KeyboardInterrupt):
    """The call was cancelled, its deadline passed, or the daemon stops. It reaches the task's thread wherever it is."""


class Facts:
    """Named values that are read only."""

    def __init__(self, values):
        self.__dict__.update(values)

    def __setattr__(self, name, _value):
        raise AttributeError(f"{name} cannot be set: these are facts")

    def __repr__(self):
        return f"Facts({self.__dict__!r})"


class Node(Facts):
    """`name`, `host` (what Loom connects to), `port`, `user`, `labels`, `groups`, `vars`."""

    def __init__(self, values):
        given = {"name": "", "host": "", "port": 22, "user": "", "labels": {}, "groups": [], "vars": {}}
        given.update({key: value for key, value in values.items() if value is not None})
        super().__init__(given)


class Run(Facts):
    """`id`, `due`, `job`, `targets` (names of nodes)."""

    def __init__(self, values):
        given = {"id": "", "due": None, "job": "", "targets": []}
        given.update({key: value for key, value in values.items() if value is not None})
        super().__init__(given)


class Call:
    def __init__(self, message):
        self.id = message["id"]
        self.task = message["task"]
        self.args = message.get("args") or []
        self.kwargs = message.get("kwargs") or {}
        self.check = bool(message.get("check"))
        self.node = Node(message.get("node") or {})
        self.run = Run(message.get("run") or {})
        self.env = dict(message.get("env") or {})
        self.cwd = message.get("cwd") or ""
        self.become = (message.get("become") or {}).get("user")
        self.changed = False
        self.memory = {}  # what shims keep for the length of one call

    def remember(self, key, make):
        """The value that was made for this call, once."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]


_current = None
_observers = []
_observers_lock = threading.Lock()


def current():
    if _current is None:
        raise OutsideOfCall("there is no node here: this runs outside of a task's call")
    return _current


def current_or_none():
    return _current


def observe(observer):
    """An observer keeps state that must not leak from one call into the next. `forget()`: another task's module comes,
    or the same anew; `loaded(module, fresh)`: it is there, and was run just now or was left from before; `begin(call)`:
    a call of its tasks begins. One that comes while a call is being served hears at once what it missed."""
    with _observers_lock:
        _observers.append(observer)
    observer.forget()
    if _current is not None:
        observer.loaded("", True)
        observer.begin(_current)


def forget():
    for observer in list(_observers):
        observer.forget()


def loaded(module, fresh):
    for observer in list(_observers):
        observer.loaded(module, fresh)


def enter(call):
    """Makes it the current call; None: there is none any more."""
    global _current
    _current = call


def begin():
    """The task's module is there, and the task will be called next."""
    for observer in list(_observers):
        observer.begin(_current)
