"""Looks at a node: tasks of Fabric 2."""
from fabric import task
from invoke import Exit


@task
def reachable(c):
    """Says who answers."""
    c.run("hostname")


@task(pre=[reachable])
def disk(c, limit=90, path="/"):
    """Fails where a file system is fuller than the limit, in percent."""
    with c.cd("/"):
        used = c.run(f"df -P {path} | tail -n 1", hide=True).stdout.split()[4]
    print(f"{path} is {used} full")
    if int(used.rstrip("%")) > int(limit):
        raise Exit(f"{path} is {used} full, more than {limit}%", code=3)
    return {"path": path, "used": used}
