"""Scenarios with events of the machine."""

from .draw import Drawing, draw_size
from .scenario import Disk, Event

FAMILIES = ("transport", "content", "length", "range", "status", "form", "redirect", "challenge", "list")
"""Families of faults after which upstreams still respond."""


class MachineKinds(Drawing):
    """Fills scenarios with events of processes and disks."""

    def machine(self):
        """Fills in workers that are killed, stopped, replaced and told to reread their configuration."""
        rng = self.rng
        self.begin(sizes=[rng.choice([draw_size(rng), rng.randrange(100_000, 1_500_000)]) for _ in range(3)])
        for style in self.scenario.styles.values():
            style.pace = rng.choice([0, 100_000, 400_000, 1_000_000])
        if self.chance(0.5):
            self.put_faults(FAMILIES if self.chance(0.3) else ("transport",), rng.choice("aab"))
        if self.chance(0.3):
            self.scenario.repositories.append(self.denied_repository(rng.choice("ab")))
        self.stages(spread=1.2)
        for stage in range(len(self.scenario.stages)):
            self.scenario.events[stage] = [self.machine_event() for _ in range(rng.choice([1, 1, 2, 3]))]

    def machine_event(self):
        rng = self.rng
        name = rng.choices(
            ["kill", "kill all", "pause", "hang up", "hand over", "remove blobs", "remove partials", "spoil partials"],
            [8, 2, 4, 3, 5, 1, 1, 1],
        )[0]
        params = {"worker": rng.randrange(3)}
        if name in ("kill", "kill all", "pause"):
            params["seconds"] = round(rng.choice([0, 0.1, 0.4, 1.0]), 2)
        return Event(round(rng.uniform(0, 1.5), 2), name, {} if name.startswith(("remove", "spoil")) else params)

    def disk(self):
        """Fills in a store that is small, full, read-only or limited."""
        rng, scenario = self.rng, self.scenario
        self.begin(sizes=[rng.choice([draw_size(rng), rng.randrange(200_000, 3_000_000)]) for _ in range(3)])
        size = rng.choice([1 << 16, 1 << 18, 1 << 20, 2 << 20, 4 << 20, 8 << 20])
        scenario.disk = Disk(size, rng.choice([0, 0, 0, 12, 40]), delivery=rng.choice(["x-accel", "x-accel", "direct"]))
        if self.chance(0.4):
            scenario.disk.max_size = rng.choice([100_000, 500_000, 1_000_000])
        if self.chance(0.3):
            scenario.disk.min_free = rng.choice([200_000, 800_000])
        for style in scenario.styles.values():
            style.pace = rng.choice([0, 0, 300_000, 1_000_000])
        if self.chance(0.75):
            families = [("transport",), ("content",), ("content",), ("content", "length"), ("range",), FAMILIES]
            self.put_faults(rng.choice(families), rng.choice("aab"))
        self.stages(spread=1.2)
        for stage in range(len(scenario.stages)):
            events = []
            for _ in range(rng.choice([0, 1, 2])):
                at = rng.choice([0, rng.uniform(0, 1)])
                first, last = rng.choice([("fill disk", "free disk"), ("read only", "writable")])
                events.append(Event(round(at, 2), first))
                if self.chance(0.5):
                    events.append(Event(round(at + rng.uniform(0.1, 1), 2), last))
            scenario.events[stage] = events
