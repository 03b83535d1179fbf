"""Events of processes, files and the disk of the running proxy."""

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import time


class Machine:
    """Performs the events of a scenario, and undoes those that must not outlast it."""

    def __init__(self, run):
        self.run = run
        self.stack = run.stack
        self.names = {
            "kill": self.kill,
            "kill all": self.kill_all,
            "pause": self.pause,
            "hang up": self.hang_up,
            "hand over": self.hand_over,
            "remove blobs": self.remove_blobs,
            "remove links": self.remove_links,
            "remove records": self.remove_records,
            "remove partials": self.remove_partials,
            "spoil partials": self.spoil_partials,
            "fill disk": self.fill_disk,
            "free disk": self.free_disk,
            "read only": self.read_only,
            "writable": self.writable,
            "outage": self.outage,
            "move tags": self.move_tags,
        }

    async def happen(self, event):
        await asyncio.sleep(event.at)
        self.run.note(f"event: {event.name}")
        self.run.injected[event.name] += 1
        await self.names[event.name](**event.params)

    def choose(self, number):
        running = [worker for worker in self.stack.workers if worker.is_running and worker.ending is None]
        return running[number % len(running)] if running else None

    # --- Processes

    async def kill(self, worker, seconds):
        victim = self.choose(worker)
        if victim:
            self.stack.end(victim, signal.SIGKILL)
            await asyncio.sleep(seconds)
            self.stack.spawn()

    async def kill_all(self, worker, seconds):
        count = 0
        while victim := self.choose(0):
            self.stack.end(victim, signal.SIGKILL)
            count += 1
        await asyncio.sleep(seconds)
        for _ in range(count):
            self.stack.spawn()

    async def pause(self, worker, seconds):
        victim = self.choose(worker)
        if victim:
            victim.signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                victim.signal(signal.SIGCONT)

    async def hang_up(self, worker):
        victim = self.choose(worker)
        if victim and victim.takes_signals():
            victim.signal(signal.SIGHUP)

    async def hand_over(self, worker):
        """Replaces a worker: another one takes over on the socket before it is stopped."""
        victim = self.choose(worker)
        if victim is None:
            return
        self.stack.spawn()
        for _ in range(500):
            if victim.takes_signals() or not victim.is_running:
                break
            await asyncio.sleep(0.01)
        if victim.ending is None:
            self.stack.end(victim, signal.SIGTERM)

    # --- Files

    def contents(self):
        return self.run.scenario.blobs + self.run.scenario.manifests

    async def remove_blobs(self):
        self.run.removed_at = time.monotonic()
        for content in self.contents():
            remove(self.stack.path("store", "blobs", content.path))

    async def remove_links(self):
        self.remove_below("_blobs")

    async def remove_records(self):
        self.remove_below("_manifests")
        self.remove_below("_tags")

    def remove_below(self, name):
        self.run.removed_at = time.monotonic()
        for repository in self.run.scenario.repositories:
            upstream = self.run.site.upstream(repository.side)
            shutil.rmtree(self.stack.path("store", "repositories", upstream, repository.name, name), ignore_errors=True)

    def partials(self):
        return [self.stack.path("store", "partial", blob.algorithm, blob.hex) for blob in self.run.scenario.blobs]

    async def remove_partials(self):
        for path in self.partials():
            remove(path)
            remove(path + ".json")

    async def spoil_partials(self):
        """Changes a byte of each partial file that no worker is writing."""
        for blob, path in zip(self.run.scenario.blobs, self.partials()):
            try:
                with open(path, "r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if byte := file.read(1):
                        spoilt = bytes([byte[0] ^ 0xFF])
                        # Clients may get the byte before the digest is verified.
                        self.run.versions.setdefault(blob.digest, []).append((0, spoilt))
                        file.seek(0)
                        file.write(spoilt)
                        self.run.note("event: a partial file was corrupted")
            except OSError:
                pass

    def remove_all(self):
        """Removes the content of the scenario from the store."""
        for content in self.contents():
            remove(self.stack.path("store", "blobs", content.path))
        for path in self.partials():
            remove(path)
            remove(path + ".json")
        for side in "ab":
            upstream = self.run.site.upstream(side, self.run.scenario)
            shutil.rmtree(self.stack.path("store", "repositories", upstream, f"s{self.run.number}"), ignore_errors=True)

    # --- Disk

    @property
    def filler(self):
        return self.stack.path("store", "filler")

    async def fill_disk(self):
        try:
            with open(self.filler, "ab", buffering=0) as file:
                for size in (1 << 20, 1 << 16, 1 << 12):
                    try:
                        while True:
                            file.write(b"\0" * size)
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
        except OSError as error:
            self.run.note(f"event: the disk could not be filled: {error}")

    async def free_disk(self):
        remove(self.filler)

    async def read_only(self):
        # The system refuses while a file is open for writing: try until none is.
        for _ in range(40):
            if self.stack.remount(True, f"size={self.run.scenario.disk.size}"):
                self.run.note("event: the store is read-only now")
                return
            await asyncio.sleep(0.025)
        self.run.note("event: the store was always open for writing")

    async def writable(self):
        self.stack.remount(False, f"size={self.run.scenario.disk.size}")

    # --- Upstream

    async def outage(self, how):
        if how == "down":
            for (side, _), origin in self.run.site.endpoints.items():
                if side == self.run.scenario.repositories[0].side:
                    origin.close()
        else:
            self.run.outage = how

    async def move_tags(self):
        self.run.move_tags()

    # --- After faults

    async def restore(self):
        """Restores everything: disks writable and free, endpoints reachable, every worker running."""
        run, stack = self.run, self.stack
        run.faults_on = False
        run.outage = None
        for origin in run.site.endpoints.values():
            await origin.open()
        if run.scenario.disk:
            await self.writable()
            await self.free_disk()
        for worker in stack.workers:
            worker.signal(signal.SIGCONT)
        if run.scenario.kind == "machine":
            while sum(worker.ending is None for worker in stack.workers) < stack.worker_count:
                stack.spawn()
            await stack.until_ready()


def remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass
