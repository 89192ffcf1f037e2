"""Groups connect to several nodes. With Loom those are the job's targets, so a group is refused."""


class Group:
    def __init__(self, *hosts, **_options):
        raise NotImplementedError(f"{type(self).__name__}({', '.join(map(repr, hosts))}) is not there: a task speaks to its own "
                                  "node only; more nodes are more targets of the job")

    @classmethod
    def from_connections(cls, connections):
        return cls(*connections)


class SerialGroup(Group):
    """One node after the other: `limits: {parallel: 1}` of the job."""


class ThreadingGroup(Group):
    """All at once, as a job does it."""


class GroupResult(dict):
    """Never made, since no group is; here for code that asks for its type."""
