"""How much the machine is behind: time that nobody who waits for an answer may be blamed for."""

import asyncio
import time

INTERVAL = 0.1


class Lag:
    """Seconds by which the campaign itself was late so far, in all."""

    def __init__(self):
        self.total = 0.0

    async def measure(self):
        while True:
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.total += max(0.0, time.monotonic() - due)


LAG = Lag()
