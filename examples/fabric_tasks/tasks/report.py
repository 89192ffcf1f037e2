"""Any callable is a task. This one asks the node through Loom's own small API."""
import loom_worker as loom


def collect(commands):
    """Answers of a node to some commands."""
    answers = {}
    for number, command in enumerate(commands, 1):
        ran = loom.remote.run(command)
        answers[command] = ran.out.strip() if ran.ok else None
        loom.progress(f"{number} of {len(commands)}", number / len(commands))
    return {"node": loom.node.name, "answers": answers}


@loom.checks
def greeting(path, text):
    """Makes a file say something, once; with `--check` it only tells whether it would."""
    path = loom.remote.absolute(path)
    wanted = text.encode() + b"\n"
    if loom.remote.stat(path).kind == "file" and loom.remote.get(path) == wanted:
        return
    loom.changed()
    if not loom.check:
        loom.remote.put(wanted, path, 0o644)
