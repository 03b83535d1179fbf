"""Checks that everything is right again once the faults have ended."""

import asyncio
import os
import time

from .clients import perform
from .content import MEDIA_TYPES, RELEASED_EARLY
from .invariants import REDIRECTS, check
from .scenario import Step
from .store_checks import check_stored, left_in_partial

HEAL_BOUND = 45
"""Seconds until everything is right: a redirect is cached for 30, a silent endpoint is avoided for 30."""

LONG_HEAL_BOUND = 90
"""The bound after a connection that stays stalled: a stall is detected after 30 seconds."""

NOTICE_BOUND = 1.05
"""Seconds until a worker looks at the store again: it repeats a hit until then."""

TIDY_BOUND = 10
"""Seconds until a finished download has left no file behind."""


class Healing:
    def __init__(self, run):
        self.run = run
        self.bound = LONG_HEAL_BOUND if run.scenario.is_long else HEAL_BOUND
        self.deadline = time.monotonic() + self.bound

    async def check_all(self):
        run = self.run
        run.move_tags()
        await asyncio.sleep(max(0, run.removed_at + NOTICE_BOUND - time.monotonic()))
        work = []
        for repository in run.scenario.repositories:
            if repository.grants != "all":
                work += [self.stays_denied(repository, target) for target in (*run.scenario.blobs, None)]
                continue
            # A blob whose size upstream does not announce can only be sent from the store.
            if self.can_keep() or run.scenario.styles[repository.side].framing == "length":
                work += [self.heals(repository, blob) for blob in run.scenario.blobs]
            work += [self.tag_heals(repository, tag) for tag in repository.tags]
            work.append(self.list_heals(repository))
        begin = time.monotonic()
        await asyncio.gather(*work)
        run.heal_seconds = time.monotonic() - begin
        # The content is stored by now, and has to be denied all the same.
        await asyncio.gather(
            *(
                self.stays_denied(repository, blob)
                for repository in run.scenario.repositories
                if repository.grants != "all"
                for blob in run.scenario.blobs
            )
        )
        await self.is_tidy()
        check_stored(run, run.scenario.blobs + run.scenario.manifests, "after healing")

    async def ask(self, step):
        run = self.run
        bound = max(30, self.deadline - time.monotonic()) + 5
        result = await perform(step, run.stack.port, run.site, run.number, bound)
        run.statuses[result.status] += 1
        run.note(f"after faults: {step} -> {result}")
        check(run, result)
        return result

    async def until(self, step, is_right, what):
        """Repeats a request until its response is right; earlier tries count as healing, not as failures."""
        while True:
            result = await self.ask(step)
            if is_right(result):
                return result
            if time.monotonic() > self.deadline:
                self.run.violate("healed", f"{what} after {self.bound} s: {step} -> {result} {result.body[:200]!r}")
                return None
            self.run.tried_heals += 1
            await asyncio.sleep(0.25)

    def step(self, repository, target):
        return Step(0, "GET", repository, target, accept=() if target in self.run.scenario.blobs else MEDIA_TYPES)

    async def heals(self, repository, blob):
        """Checks that a plain GET gets the blob, and that the next one is a hit."""
        run = self.run
        step = self.step(repository, blob)
        passes = (
            run.scenario.styles[repository.side].storage == "storage"
            and run.scenario.passes_redirects
            and repository.side == "b"
        )

        def is_right(result):
            if passes and result.status in REDIRECTS:
                return "/get/" in result.headers.get("location", "") and blob.digest in result.headers["location"]
            return result.status == 200 and result.end == "complete"

        while result := await self.until(step, is_right, "no right response"):
            if result.status in REDIRECTS or not self.can_keep():
                return
            key = (repository.side, repository.name, blob.digest)
            may_be_unfinished = self.may_be_unfinished(blob)
            before = run.blob_requests[key]
            again = await self.ask(step)
            if again.status == 200 and again.cache == "HIT" and run.blob_requests[key] == before:
                return
            is_early = "BYPASS" in (result.cache, again.cache) or blob.size >= RELEASED_EARLY or may_be_unfinished
            # Upstream's requests were then for a client that had left.
            is_of_another = again.cache == "HIT" and again.detail == "stored"
            if not (is_early or is_of_another) or time.monotonic() > self.deadline:
                asked = run.blob_requests[key] - before
                run.violate("hit", f"{step} after {result.cache} -> {again}, {asked} requests to upstream")
                return
            await asyncio.sleep(0.25)

    def may_be_unfinished(self, blob):
        """Returns whether a client may have a complete blob that is not in the store yet, but will be.

        Reasons: the client's upstream sent the rest of a blob that a slow upstream is still sending, or the file of a
        running download was removed.
        """
        scenario = self.run.scenario
        lost = any(event.name == "remove partials" for events in scenario.events.values() for event in events)
        sides = {repository.side for repository in scenario.repositories if repository.grants == "all"}
        is_stored = os.path.exists(self.run.stack.path("store", "blobs", blob.path))
        return (lost or len(sides) > 1) and not is_stored

    def can_keep(self):
        """Returns whether the store has room for all content of the scenario."""
        disk = self.run.scenario.disk
        if disk is None:
            return True
        size = sum(-(-content.size // 4096) * 4096 for content in self.run.scenario.blobs + self.run.scenario.manifests)
        room = min(disk.max_size or disk.size, disk.size - disk.min_free)
        # Directories, links, records, and the partial files of running downloads.
        return not disk.inodes and 2 * size + 300_000 < room

    async def tag_heals(self, repository, tag):
        manifest = self.run.tag_manifest(repository, tag)
        await self.until(
            self.step(repository, tag),
            lambda result: result.status == 200 and result.end == "complete" and result.body == manifest.data,
            "the tag leads to another manifest",
        )
        await self.until(
            self.step(repository, manifest),
            lambda result: result.status == 200 and result.end == "complete",
            "no manifest",
        )

    async def list_heals(self, repository):
        await self.until(
            self.step(repository, None), lambda result: result.status == 200 and result.end == "complete", "no list"
        )

    async def stays_denied(self, repository, target):
        await self.ask(self.step(repository, target))

    async def is_tidy(self):
        """Checks that finished downloads have left no files behind."""
        run = self.run
        deadline = time.monotonic() + TIDY_BOUND
        # A worker killed between naming a blob and removing its record leaves the record to the hourly collection.
        kills = any(event.name.startswith("kill") for events in run.scenario.events.values() for event in events)
        while left := left_in_partial(run, run.scenario.blobs, with_records=not kills):
            if time.monotonic() > deadline:
                run.violate("nothing left", f"{', '.join(left)} beside the stored blob")
                return
            await asyncio.sleep(0.1)
