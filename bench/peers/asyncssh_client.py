"""Runs `true` on COUNT simulated nodes, AT_ONCE at a time, and prints its own CPU and wall time a node as JSON."""
import asyncio
import ipaddress
import json
import resource
import sys
import time
import warnings

warnings.simplefilter("ignore")  # of old ciphers, which are not used
import asyncssh  # noqa: E402


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(port, host_key, identity, count, at_once):
    places = asyncio.Semaphore(at_once)
    options = asyncssh.SSHClientConnectionOptions(
        config=None, username="bench", client_keys=[asyncssh.read_private_key(identity)], agent_path=None,
        known_hosts=([asyncssh.import_public_key(host_key)], [], []), kex_algs=["curve25519-sha256"],
        encryption_algs=["aes128-gcm@openssh.com"])  # as Loom prefers them
    failed = 0

    async def visit(address):
        nonlocal failed
        async with places:
            try:
                async with asyncssh.connect(address, port, options=options) as connection:
                    done = await connection.run("true")
                    failed += done.exit_status != 0
            except (OSError, asyncssh.Error):
                failed += 1

    first = int(ipaddress.ip_address("127.8.0.1"))
    before, cpu_before = time.monotonic(), cpu()
    await asyncio.gather(*(visit(str(ipaddress.ip_address(first + i))) for i in range(count)))
    spent, used = time.monotonic() - before, cpu() - cpu_before
    print(json.dumps({"cpu_us": used / count * 1e6, "wall_us": spent / count * 1e6, "wall_ms": spent * 1e3, "not_ok": failed}))


asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
