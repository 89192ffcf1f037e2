"""Fabric 2's `@task`: Invoke's, with `hosts`, which Loom only keeps: the job says where a task runs."""
import invoke.tasks


class Task(invoke.tasks.Task):
    def __init__(self, *args, hosts=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.hosts = hosts


def task(*args, **kwargs):
    kwargs.setdefault("klass", Task)
    return invoke.tasks.task(*args, **kwargs)
