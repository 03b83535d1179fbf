"""Checks of a stack after all its scenarios."""

import asyncio
import os
import re
import time

from .clients import CREDENTIAL
from .hosts import SIGNATURE_MARK
from .store_checks import check_whole_store
from .upstream import TOKEN_MARK

MOST_DESCRIPTORS = 40 + 6 * (os.cpu_count() or 1)
"""The maximum number of a worker's descriptors at the end; each processor's thread has some."""

MOST_KILOBYTES = 160_000
"""The maximum resident memory of a worker at the end."""

QUIET_BOUND = 45
"""Seconds until workers have released the resources of requests: idle upstream connections stay open for 15."""

SECRETS = re.compile(f"{TOKEN_MARK}|{SIGNATURE_MARK}|{re.escape(CREDENTIAL.split()[1])}|soakcookie".encode())

NGINX_TROUBLE = re.compile(rb"\[(alert|emerg)\]|exited on signal")


async def until_quiet(stacks):
    """Waits until no worker has too many descriptors."""
    deadline = time.monotonic() + QUIET_BOUND
    while time.monotonic() < deadline and any(not is_quiet(worker) for stack in stacks for worker in stack.workers):
        await asyncio.sleep(0.2)


def is_quiet(worker):
    return worker.size()[0] <= MOST_DESCRIPTORS


async def check_stack(stack):
    """Stops a stack, and returns its violations."""
    wrong = []
    if stack.nginx.poll() is not None:
        wrong.append(f"nginx lives: nginx ended with status {stack.nginx.poll()}")
    elif stack.workers and not await stack.answers():
        wrong.append("nginx lives: nginx does not respond")
    for worker in stack.workers:
        descriptors, kilobytes = worker.size()
        if not is_quiet(worker):
            wrong.append(f"descriptors: a worker has {descriptors}: {listing(worker.pid)}")
        if kilobytes > MOST_KILOBYTES:
            wrong.append(f"memory: a worker has {kilobytes} KB")
    sizes = [worker.size() for worker in stack.workers]
    await stack.stop_workers()
    wrong += [f"workers live: {death}" for death in stack.deaths]
    if not stack.is_mounted:
        wrong += [f"store: {entry}" for entry in check_whole_store(stack)]
    wrong += check_logs(stack)
    stack.sizes = sizes
    return wrong


def listing(pid):
    names = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            names.append(re.sub(r"\d+", "", os.readlink(f"/proc/{pid}/fd/{name}")))
    except OSError:
        pass
    return ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names)))


def check_logs(stack):
    """Returns secrets and alerts of nginx found in the logs."""
    wrong = []
    for name in ("worker.log", "worker.err", "nginx/error.log", "nginx/access.log"):
        try:
            with open(stack.path(*name.split("/")), "rb") as file:
                for line in file:
                    if SECRETS.search(line):
                        wrong.append(f"no secret in {name}: {line[:300]!r}")
                    if name == "nginx/error.log" and NGINX_TROUBLE.search(line):
                        wrong.append(f"nginx: {line[:300]!r}")
        except OSError:
            pass
    return wrong[:10]
