"""Runs many scenarios on a few stacks, and cleans up after them."""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass

from .kinds import draw, draw_kind
from .execution import execute
from .lag import LAG
from .report import Report
from .stack import Stack
from .stack_checks import check_stack, until_quiet
from .upstream import World

PROGRESS_INTERVAL = 15

REPEATED_AT_A_TIME = 8
"""The number of failed scenarios that are repeated at the same time, each on its own stack."""

SLOTS = 14
"""The number of concurrent scenarios on a shared stack; those that change processes or the disk have their own."""

STACKS = {"shared": 3, "shared direct": 1, "machine": 8, "machine direct": 3, "disk": 8}
"""The maximum number of stacks by the needs of scenarios."""


@dataclass
class Plan:
    """The scenarios of a campaign, and its directory."""

    seed: str
    numbers: list
    binary: str
    directory: str
    long: bool = False
    kinds: tuple = ()
    keep: bool = False
    repeat: bool = True
    total_bound: int = 0


class Campaign:
    def __init__(self, plan):
        self.plan = plan
        self.world = World()
        self.stacks = []
        self.made = 0
        self.free = {lane: asyncio.Queue() for lane in STACKS}
        """Free pairs of a stack and a site for a scenario."""
        self.repeating = {}
        """Locks of scenarios by number, because some run more than once."""
        self.run_again = set()
        """Scenarios that are run again because the machine stalled during the first run."""
        self.report = Report(plan)
        self.tls = None
        self.ca_file = None

    async def run(self):
        self.prepare_tls()
        await self.world.open(self.tls)
        try:
            await self.run_all(self.plan.numbers)
            if self.plan.repeat and self.report.failed:
                await self.repeat_failed()
            await self.finish()
        finally:
            for stack in self.stacks:
                stack.kill()
            self.world.close()
        return self.report

    # --- Stacks

    def prepare_tls(self):
        """Creates a certificate for the upstreams with TLS."""
        key, self.ca_file = (os.path.join(self.plan.directory, name) for name in ("key.pem", "ca.pem"))
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=soak",
                "-addext",
                "subjectAltName=" + ",".join(f"IP:127.0.0.{last}" for last in range(1, 7)),
                "-keyout",
                key,
                "-out",
                self.ca_file,
            ],
            check=True,
            capture_output=True,
        )
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.ca_file, key)

    async def make_stack(self, lane, slots):
        self.made += 1
        number = self.made
        sites = [await self.world.add_site(self.tls) for _ in range(slots)]
        stack = Stack(
            f"{lane.replace(' ', '-')}-{number}",
            self.plan.directory,
            self.plan.binary,
            self.world.ports,
            sites,
            workers=3 if lane.startswith("machine") else 2,
            delivery="direct" if "direct" in lane else "x-accel",
        )
        self.stacks.append(stack)
        await stack.start(self.ca_file, self.world.realms())
        return stack, sites

    # --- Scenarios

    async def run_all(self, numbers):
        """Runs the scenarios in order, as many at a time as stacks and sites allow."""
        queues = {lane: [] for lane in STACKS}
        for number in reversed(numbers):
            lane = draw_kind(self.plan.seed, number, self.plan.long, self.plan.kinds)[2]
            queues[lane].append(number)
        runners = []
        for lane, queue in queues.items():
            slots = SLOTS if lane.startswith("shared") else 1
            places = min(STACKS[lane] * slots, len(queue))
            for _ in range(-(-places // slots)):
                stack, sites = await self.make_stack(lane, slots)
                for site in sites:
                    self.free[lane].put_nowait((stack, site))
            runners += [self.work(lane, queue) for _ in range(places)]
        others = [asyncio.ensure_future(self.tell_progress()), asyncio.ensure_future(LAG.measure())]
        try:
            await asyncio.gather(*runners)
        finally:
            for other in others:
                other.cancel()

    async def work(self, lane, queue):
        while queue and not self.is_late:
            number = queue.pop()
            if not await self.run_one(number, lane):
                queue.insert(0, number)
        if queue:
            self.report.skipped += len(queue)
            queue.clear()

    @property
    def is_late(self):
        return bool(self.plan.total_bound) and time.monotonic() - self.report.start > self.plan.total_bound

    async def run_one(self, number, lane):
        """Runs a scenario; returns False if the run is void because it failed while the machine stalled."""
        stalls = LAG.stalls
        scenario = draw(self.plan.seed, number, self.plan.long, self.plan.kinds)
        stack, site = await self.free[lane].get()
        try:
            async with self.repeating.setdefault(number, asyncio.Lock()):
                run = await execute(scenario, stack, site, self.world)
        finally:
            self.free[lane].put_nowait((stack, site))
        if run.violations and LAG.stalls > stalls and number not in self.run_again:
            print(f"the machine stalled: scenario {number} is run again", file=sys.stderr, flush=True)
            self.run_again.add(number)
            return False
        self.report.add(run)
        return True

    async def tell_progress(self):
        while True:
            await asyncio.sleep(PROGRESS_INTERVAL)
            running = sorted(run.number for stack in self.stacks for run in stack.runs)
            names = f", running: {', '.join(map(str, running))}" if len(running) <= 8 else ""
            print(self.report.progress() + names, file=sys.stderr, flush=True)

    async def repeat_failed(self):
        """Repeats failed scenarios, each alone, so that the report says whether they fail again."""
        left = self.report.to_repeat()
        print(f"repeating {len(left)} failed scenarios, each alone", file=sys.stderr, flush=True)

        async def repeat():
            while left:
                await self.repeat_one(left.pop(0))

        await asyncio.gather(*(repeat() for _ in range(REPEATED_AT_A_TIME)))

    async def repeat_one(self, number):
        scenario = draw(self.plan.seed, number, self.plan.long, self.plan.kinds)
        stack, sites = await self.make_stack(scenario.stack, 1)
        run = await execute(scenario, stack, sites[0], self.world)
        self.report.add_repeated(run)
        stack.deaths.clear()
        await stack.stop()
        self.stacks.remove(stack)

    async def finish(self):
        """Checks each stack at the end."""
        for origin in self.world.origins():
            origin.abort()
        await until_quiet(self.stacks)
        for stack in self.stacks:
            self.report.add_stack(stack, await check_stack(stack))
        self.report.violations += self.world.violations
