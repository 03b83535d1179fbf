"""Checks of the limits of a store on a small disk: `max_size` at the end, `min_free` all the time."""

import asyncio
import os

BLOCK = 4096
"""The block in bytes to which the counted size of a blob is rounded up."""

SMALL = 128 * 1024
"""The size in bytes of directories, links, records and manifests, which no limit counts."""

INTERVAL = 0.02


class Limits:
    """Watches the free space of a disk while the scenario runs."""

    def __init__(self, run):
        self.run = run
        self.disk = run.scenario.disk
        self.least = self.disk.size
        self.watcher = None

    async def __aenter__(self):
        self.watcher = asyncio.ensure_future(self.watch())

    async def __aexit__(self, *_):
        self.watcher.cancel()
        names = {event.name for events in self.run.scenario.events.values() for event in events}
        told = all(style.framing == "length" for style in self.run.scenario.styles.values())
        # If upstream announces no size or a wrong one, the excess shows only afterwards; and events may fill the disk.
        honest = told and not any(
            fault.kind.family in ("content", "length", "range", "form", "status", "list")
            for fault in self.run.scenario.all_faults
        )
        lowest = min(self.disk.min_free, self.disk.size) - SMALL
        if self.disk.min_free and honest and "fill disk" not in names and self.least < lowest:
            self.run.violate("min_free", f"{self.least} bytes were free instead of {self.disk.min_free}")

    async def watch(self):
        while True:
            status = os.statvfs(self.run.stack.store)
            self.least = min(self.least, status.f_bavail * status.f_frsize)
            await asyncio.sleep(INTERVAL)

    def check_size(self):
        """Checks the blobs against `max_size`."""
        taken = 0
        for directory, _, names in os.walk(os.path.join(self.run.stack.store, "blobs")):
            for name in names:
                try:
                    taken += -(-os.path.getsize(os.path.join(directory, name)) // BLOCK) * BLOCK
                except FileNotFoundError:
                    pass
        if self.disk.max_size and taken > self.disk.max_size:
            self.run.violate("max_size", f"the blobs take {taken} bytes of {self.disk.max_size}")
