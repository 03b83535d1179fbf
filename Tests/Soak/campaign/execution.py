"""Executes one scenario: its stages with their faults, then the checks afterwards."""

import asyncio
import contextlib
import time

from .clients import TOTAL_BOUND, entity_tag, perform
from .healing import Healing
from .invariants import check
from .limits import Limits
from .machine import Machine
from .run import Run
from .store_checks import check_stored, check_whole_store

SCENARIO_BOUND = 300
"""The maximum duration of a scenario in seconds."""

COMMON_SIZE = 2
"""The size in bytes up to which scenarios may draw the same blob: only one of them at a time runs with it."""

LONG_BOUND = 240
"""The maximum duration in seconds of a request while connections stay stalled."""


async def execute(scenario, stack, site, world):
    """Runs a scenario on a stack, alone on the upstreams of a site; returns the run."""
    async with contextlib.AsyncExitStack() as exits:
        for digest in sorted({blob.digest for blob in scenario.blobs if blob.size <= COMMON_SIZE}):
            await exits.enter_async_context(stack.digest_locks.setdefault(digest, asyncio.Lock()))
        return await execute_alone(scenario, stack, site, world)


async def execute_alone(scenario, stack, site, world):
    run = Run(scenario, site, stack)
    machine = Machine(run)
    world.runs[run.number] = run
    site.run = run
    stack.runs.add(run)
    try:
        async with asyncio.timeout(SCENARIO_BOUND):
            await carry_out(run, machine)
    except TimeoutError:
        run.violate("bounded time", f"the scenario did not end within {SCENARIO_BOUND} s")
    finally:
        run.faults_on = False
        run.ended.set()
        for origin in site.endpoints.values():
            origin.abort()
        for death in run.deaths:
            run.violate("workers live", death)
        stack.runs.discard(run)
        site.run = None
        world.forget(run)
    if scenario.disk:
        await check_disk(run)
    machine.remove_all()
    return run


async def carry_out(run, machine):
    scenario = run.scenario
    if scenario.disk:
        await run.stack.renew_store(scenario.disk)
    for place in scenario.down:
        run.site.endpoints[place].close()
    limits = Limits(run) if scenario.disk else contextlib.nullcontext()
    async with limits:
        await carry_out_stages(run, machine)
    check_stored(run, scenario.blobs + scenario.manifests, "while faults were active")
    await machine.restore()
    run.note("faults end")
    await Healing(run).check_all()
    if scenario.disk:
        limits.check_size()


async def carry_out_stages(run, machine):
    scenario = run.scenario
    for number, stage in enumerate(scenario.stages):
        events = [machine.happen(event) for event in scenario.events.get(number, ())]
        await asyncio.gather(*(ask(run, step) for step in stage), *events)


async def ask(run, step):
    await asyncio.sleep(step.at)
    bound = LONG_BOUND if run.scenario.is_long else TOTAL_BOUND
    etag = entity_tag(step.target.size) if step.if_range else None
    run.note(f"client begins: {step}")
    result = await perform(step, run.stack.port, run.site, run.number, bound, etag)
    run.note(f"client: {step} -> {result}")
    run.statuses[result.status] += 1
    run.results.append(result)
    check(run, result)


async def check_disk(run):
    """Checks the disk of the scenario once no process uses it."""
    stack = run.stack
    if not await stack.answers():
        run.violate("nginx lives", "nginx does not respond")
    begin = time.monotonic()
    await stack.stop_workers()
    run.note(f"workers stopped within {time.monotonic() - begin:.1f} s")
    for death in stack.deaths:
        run.violate("workers live", death)
    stack.deaths.clear()
    for wrong in check_whole_store(stack):
        run.violate("store", wrong)
