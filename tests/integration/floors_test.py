#!/usr/bin/env python3
"""Holds the source tree to its floors (docs/architecture.md): who may include whom, and what stands nowhere."""
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Floor -> what stands below it. Siblings are not below each other.
BELOW = {
    "core/base": [],
    "core/async": ["core/base"],
    "core/time": ["core/base", "core/async"],
    "core/model": ["core/base", "core/async", "core/time"],
    "core/config": ["core/base", "core/async", "core/time", "core/model"],
    "core/schedule": ["core/base", "core/async", "core/time", "core/model"],
    "core/task": ["core/base", "core/async", "core/time", "core/model"],
    "core/run": ["core/base", "core/async", "core/time", "core/model", "core/config", "core/schedule", "core/task"],
    "ssh": ["core/base", "core/async", "core/time", "core/model", "core/config", "core/schedule", "core/task"],
    "app": ["core", "ssh"],
}

# What may stand only in some places: pattern, the places (none: nowhere), and why.
ONLY_IN = [
    (r"\blibssh2(_sftp|_publickey)?\.h\b", ["src/ssh/", "bench/floor.cpp"], "libssh2 belongs to src/ssh"),
    (r"\bsqlite3\.h\b", ["src/app/store/", "tests/support/fault_vfs.cpp"], "SQLite belongs to the store"),
    (r"<boost/beast", ["src/app/", "tests/app/", "tests/fuzz/app_"], "HTTP belongs to src/app"),
    (r"<boost/asio/(ip|local|posix)/", ["src/ssh/", "src/app/", "tests/"], "core has no socket"),
    (r"\bYAML::(Node|Load|LoadFile)\b", [], "only the event interface of yaml-cpp is used"),
    (r"\basio::detached\b", [], "a detached coroutine has no owner and swallows exceptions"),
    (r"\bsleep_for\b|\busleep\(|\bsleep_until\b", ["bench/measure/", "src/app/store/locks.cpp"],
     "step the clock or wait for the event; only a measurement of rest has to rest, and flock(2) has no deadline"),
    (r"\bmake_parallel_group\b|awaitable_operators|\bcancellation_slot\b", [], "they race in Boost 1.81"),
    (r"\bawaitable<|\bco_(await|return|yield)\b",
     ["src/core/async/", "src/core/task/", "src/core/run/", "src/ssh/", "src/app/", "tests/", "bench/"],
     "time, model, config and schedule hold no coroutine"),
]

LINES_MAX = 400


def floor_of(path):
    """`src/core/time/cron.cpp` -> `core/time`, `src/app/cli/x.cpp` -> `app`; nothing outside src."""
    parts = path.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return None
    return "/".join(parts[1:3]) if parts[1] == "core" else parts[1]


def include_faults(path, text):
    floor = floor_of(path)
    if floor is None:
        return
    if floor not in BELOW:
        yield f"{path}: src/{floor} is no floor; the table in {pathlib.Path(__file__).name} names them"
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        target = floor_of("src/" + match[1])
        allowed = [floor, *BELOW[floor]]
        if target is None or not any(target == a or target.startswith(a + "/") for a in allowed):
            yield f"{path}:{number}: includes {match[1]}, which does not stand below {floor}"


def place_faults(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//", 1)[0]
        for pattern, places, why in ONLY_IN:
            if re.search(pattern, code) and not any(path.startswith(place) for place in places):
                yield f"{path}:{number}: {code.strip()}: {why}"


def faults(files):
    for path, text in files.items():
        if len(text.splitlines()) > LINES_MAX:
            yield f"{path}: {len(text.splitlines())} lines; past {LINES_MAX} a file has more than one reason to exist"
        if path.endswith((".cpp", ".hpp")):
            yield from include_faults(path, text)
            yield from place_faults(path, text)


def tree():
    files = {}
    for top in ("src", "tests", "bench"):
        for folder, _, names in os.walk(ROOT / top):
            for name in names:
                if name.endswith((".cpp", ".hpp", ".py")):
                    path = pathlib.Path(folder, name)
                    files[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    return files


class Floors(unittest.TestCase):
    def test_the_tree_keeps_to_its_floors(self):
        files = tree()
        self.assertGreater(sum(path.startswith("src/") for path in files), 10, "the tree was not found")
        found = list(faults(files))
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_each_kind_of_fault_is_seen(self):
        seen = {
            "src/core/base/a.cpp": '#include "core/async/scope.hpp"\n',
            "src/core/config/b.cpp": '#include "core/task/task.hpp"\n',
            "src/ssh/c.cpp": '#include "core/run/engine.hpp"\n',
            "src/core/task/d.cpp": '#include "ssh/session.hpp"\n',
            "src/app/e.cpp": "#include <libssh2.h>\n",
            "src/core/config/f.cpp": "auto n = YAML::Load(text);\n",
            "src/core/time/g.hpp": "awaitable<void> wait();\n",
            "tests/core/h.cpp": "std::this_thread::sleep_for(1s);\n",
            "src/app/i.cpp": "asio::co_spawn(ex, f, asio::detached);\n",
            "src/elsewhere/j.cpp": '#include "core/base/error.hpp"\n',
            "src/app/k.cpp": "\n" * (LINES_MAX + 1),
        }
        for path, text in seen.items():
            with self.subTest(path=path):
                self.assertEqual(len(list(faults({path: text}))), 1)

    def test_what_is_allowed_passes(self):
        allowed = {
            "src/core/run/a.cpp": '#include "core/schedule/decide.hpp"\n#include "core/run/engine.hpp"\n',
            "src/ssh/b.cpp": '#include <libssh2.h>\n#include "core/task/remote.hpp"\n#include "ssh/error.hpp"\n',
            "src/app/c.cpp": '#include "ssh/connector.hpp"\n#include "core/run/engine.hpp"\n#include "app/files/reader.hpp"\n',
            "src/core/async/d.cpp": "// asio::detached would swallow it.\n",
        }
        self.assertEqual(list(faults(allowed)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
