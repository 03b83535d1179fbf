"""How much the machine is behind: time that nobody who waits for an answer may be blamed for."""

import asyncio
import time

INTERVAL = 0.1

STALL = 3
"""Seconds by which a busy machine is not late at once: it stood still."""


class Lag:
    """Seconds by which the campaign itself was late so far, in all."""

    def __init__(self):
        self.total = 0.0
        self.stalls = 0
        """How often the machine stood still."""

    async def measure(self):
        while True:
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            late = max(0.0, time.monotonic() - due)
            self.total += late
            self.stalls += late > STALL


LAG = Lag()
