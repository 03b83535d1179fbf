"""Measures the delays of the machine, which do not count against the proxy."""

import asyncio
import time

INTERVAL = 0.1

STALL = 3
"""The delay in seconds from which the machine was stalled, not only busy."""


class Lag:
    """The total delay of the campaign itself in seconds."""

    def __init__(self):
        self.total = 0.0
        self.stalls = 0
        """The number of stalls."""

    async def measure(self):
        while True:
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            late = max(0.0, time.monotonic() - due)
            self.total += late
            self.stalls += late > STALL


LAG = Lag()
