"""Settings as nested maps whose keys are attributes, too. No file is read: a task's settings are its arguments."""

DEFAULTS = {
    "run": {"asynchronous": False, "disown": False, "dry": False, "echo": False, "echo_stdin": None, "encoding": None,
            "env": {}, "err_stream": None, "fallback": True, "hide": None, "in_stream": None, "out_stream": None,
            "echo_format": "\033[1;37m{command}\033[0m", "pty": False, "replace_env": False, "shell": "/bin/bash",
            "warn": False, "watchers": []},
    "sudo": {"password": None, "prompt": "[sudo] password: ", "user": None},
    "tasks": {"auto_dash_names": True, "collection_name": "tasks", "dedupe": True},
    "timeouts": {"command": None},
}


def merged(base, updates):
    """A new map of both, joined key by key; nothing in it is shared with either."""
    joined = {key: merged(value, {}) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
              for key, value in base.items()}
    for key, value in updates.items():
        if isinstance(value, dict):
            old = joined.get(key)
            value = merged(old if isinstance(old, dict) else {}, value)
        joined[key] = value
    return joined


class DataProxy:
    """A map with its keys as attributes."""

    def __init__(self, values=None):
        self._set(_values={} if values is None else values)

    def _set(self, **attributes):
        """Real attributes, as opposed to keys."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _map(self):
        return self._values

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            known = ", ".join(sorted(map(str, self._map())))
            raise AttributeError(f"No attribute or config key found for {name!r}; the keys are {known}") from None

    def __setattr__(self, name, value):
        if name.startswith("_") or name in self.__dict__ or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __delattr__(self, name):
        del self._map()[name]

    def __getitem__(self, key):
        value = self._map()[key]
        return DataProxy(value) if isinstance(value, dict) else value

    def __setitem__(self, key, value):
        self._map()[key] = value

    def __delitem__(self, key):
        del self._map()[key]

    def __contains__(self, key):
        return key in self._map()

    def __iter__(self):
        return iter(self._map())

    def __len__(self):
        return len(self._map())

    def __eq__(self, other):
        return self._map() == (other._map() if isinstance(other, DataProxy) else other)

    __hash__ = None

    def __repr__(self):
        return f"<{type(self).__name__}: {self._map()!r}>"

    def keys(self):
        return self._map().keys()

    def values(self):
        return [self[key] for key in self._map()]

    def items(self):
        return [(key, self[key]) for key in self._map()]

    def get(self, key, default=None):
        return self[key] if key in self._map() else default

    def pop(self, *arguments):
        return self._map().pop(*arguments)

    def setdefault(self, *arguments):
        self._map().setdefault(*arguments)
        return self[arguments[0]]

    def update(self, *arguments, **more):
        self._map().update(*arguments, **more)

    def clear(self):
        self._map().clear()


class Config(DataProxy):
    """The settings of one context: the defaults, and what `overrides` says."""

    def __init__(self, overrides=None, defaults=None, **_places):
        base = self.global_defaults() if defaults is None else merged(self.global_defaults(), _plain(defaults))
        super().__init__(merged(base, _plain(overrides or {})))

    @staticmethod
    def global_defaults():
        return merged(DEFAULTS, {})

    def clone(self, into=None):
        return (into or type(self))(overrides=self._map())


def _plain(values):
    return values._map() if isinstance(values, DataProxy) else values
