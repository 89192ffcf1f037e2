"""Releases beside each other, and a link to the one that serves: a fabfile of Fabric 1."""
import os
from datetime import datetime, timezone

from fabric.api import abort, cd, env, execute, hide, lcd, prefix, puts, put, roles, run, settings, shell_env, task
from fabric.colors import green
from fabric.contrib import files
from fabric.contrib.project import rsync_project

env.roledefs = {"web": ["web1", "web2"]}
env.keep_releases = 3

HERE = os.path.dirname(os.path.abspath(__file__))


@task
def release(version, root="/srv/app"):
    """Brings a version to the node and turns the link to it."""
    env.root = root
    prepare()
    path = upload(version)
    execute(configure, path, version)
    switch(path)
    clean()
    puts(green(f"{env.host} serves {version}"))


@task
def rollback(root="/srv/app"):
    """Turns the link to the release before."""
    env.root = root
    names = releases()
    if len(names) < 2:
        abort("There is no release to go back to.")
    switch(f"{root}/releases/{names[-2]}")
    run(f"rm -rf {root}/releases/{names[-1]}")


def prepare():
    run(f"mkdir -p {env.root}/releases {env.root}/shared")
    if not files.exists(f"{env.root}/shared/settings"):
        files.append(f"{env.root}/shared/settings", ["debug = no", "workers = 4"])


def upload(version):
    path = f"{env.root}/releases/{datetime.now(timezone.utc):%Y%m%d%H%M%S%f}-{version}"
    with lcd(HERE):
        rsync_project(path, "templates/", exclude=["*.pyc", "*.swp"])
    return path


@roles("web")
def configure(path, version):
    with cd(path), shell_env(RELEASE=version), prefix("umask 027"):
        run('echo "release = $RELEASE" > VERSION')
        run(f"ln -s {env.root}/shared/settings settings")
    with lcd(HERE):
        files.upload_template("templates/site.conf", f"{path}/site.conf", {"host": env.host, "version": version}, backup=False)
    put(f"{HERE}/templates/run.sh", f"{path}/run.sh", mode="0750")


def switch(path):
    run(f"ln -sfn {path} {env.root}/current.new && mv -T {env.root}/current.new {env.root}/current")


def releases():
    with hide("everything"):
        return run(f"ls {env.root}/releases").split()


def clean():
    for name in releases()[:-env.keep_releases]:
        with settings(warn_only=True):
            run(f"rm -rf {env.root}/releases/{name}")
