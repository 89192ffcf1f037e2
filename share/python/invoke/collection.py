"""Collections name tasks for a command line. Loom names a task by its import path; a collection only holds it."""


class Collection:
    """A name, tasks and other collections, so that a module which builds its namespace can be imported."""

    def __init__(self, *parts, **named):
        parts = list(parts)
        self.name = parts.pop(0) if parts and isinstance(parts[0], str) else named.pop("name", None)
        self.loaded_from = named.pop("loaded_from", None)
        self.auto_dash_names = named.pop("auto_dash_names", True)
        self.tasks, self.collections, self.default = {}, {}, None
        self._configuration = {}
        for part in parts:
            self._add(part, None)
        for name, part in named.items():
            self._add(part, name)

    def _add(self, part, name):
        if hasattr(part, "body"):
            self.add_task(part, name)
        else:
            self.add_collection(part, name)

    def add_task(self, task, name=None, aliases=(), default=None):
        name = name or task.name
        self.tasks[name] = task
        if default or (default is None and task.is_default):
            self.default = name

    def add_collection(self, collection, name=None, default=None):
        if not isinstance(collection, Collection):
            collection = Collection.from_module(collection)
        name = name or collection.name
        self.collections[name] = collection
        if default:
            self.default = name

    @classmethod
    def from_module(cls, module, name=None, config=None, **_more):
        short = module.__name__.rpartition(".")[2]
        explicit = getattr(module, "ns", None) or getattr(module, "namespace", None)
        made = cls(name or short)
        if isinstance(explicit, Collection):
            made.tasks, made.collections, made.default = dict(explicit.tasks), dict(explicit.collections), explicit.default
        else:
            for thing in vars(module).values():
                if hasattr(thing, "body") and hasattr(thing, "is_default"):
                    made.add_task(thing)
        made.configure(config or {})
        return made

    def configure(self, options):
        self._configuration.update(options)

    def configuration(self, _path=None):
        return dict(self._configuration)

    def __getitem__(self, name):
        first, _, rest = name.partition(".")
        if first in self.collections:
            return self.collections[first][rest or self.collections[first].default]
        return self.tasks[first]

    def __contains__(self, name):
        try:
            return self[name] is not None
        except KeyError:
            return False
