"""How Fabric 1 makes a shell line of a command and its contexts. Pure functions of a command and the settings."""


def escaped(command):
    """For a place between double quotes. A backslash keeps its meaning there, on which fabfiles rely."""
    for character in ('"', "$", "`"):
        command = command.replace(character, "\\" + character)
    return command


def prefixed(command, env, local=False):
    """After the folder and the prefixes of the contexts around it."""
    folder = env.lcwd if local else env.cwd
    before = ([f"cd {folder} >/dev/null"] if folder else []) + list(env.command_prefixes)
    return " && ".join([*before, command])


def with_variables(command, env):
    """After the variables of `path` and `shell_env`."""
    variables = {}
    if env.path:
        variables["PATH"] = {"append": f'$PATH:"{env.path}"', "prepend": f'"{env.path}":$PATH',
                             "replace": f'"{env.path}"'}[env.path_behavior]
    for name, value in env.shell_env.items():
        variables[name] = f'"{escaped(str(value))}"' if name != "PATH" else f'"{value}"'
    if not variables:
        return command
    return "export " + " ".join(f"{name}={value}" for name, value in variables.items()) + " && " + command


def wrapped(command, env, shell=True, shell_escape=None):
    """What the node's shell gets: the command in a login shell of its own, unless that is not wanted."""
    line = with_variables(prefixed(command, env), env)
    if not (shell and env.use_shell):
        return line
    return f'{env.shell} "{line if shell_escape is False else escaped(line)}"'


def joined_streams(line, shell):
    """With the errors among the output, in the order in which they are printed."""
    return f"{line} 2>&1" if shell else f"exec 2>&1; {line}"


def path_join(outer, path):
    """The folder of a `cd` within another."""
    path = str(path).replace(" ", r"\ ")
    return path if path.startswith(("/", "~")) or not outer else outer.rstrip("/") + "/" + path
