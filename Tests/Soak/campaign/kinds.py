"""The kinds of scenarios. Each scenario is drawn from the seed of the campaign and its number."""

import random

from .content import MEDIA_TYPES, RELEASED_EARLY, Blob
from .faults import BLOB_GET, BLOB_HEAD, KINDS, LIST, MANIFEST_GET, MANIFEST_HEAD, Fault
from .machine_kinds import FAMILIES, MachineKinds
from .scenario import Event, Repository, Scenario, Step

WEIGHTS = {
    "truthful": 8,
    "transport": 12,
    "content": 9,
    "length": 7,
    "range": 8,
    "status": 6,
    "form": 4,
    "redirect": 7,
    "challenge": 7,
    "list": 5,
    "mixed": 10,
    "denied": 9,
    "stale": 3,
    "beside": 5,
    "removal": 5,
    "crowd": 2,
    "machine": 11,
    "disk": 9,
    "large": 0.25,
}


def draw(seed, number, long=False, kinds=()):
    """Returns the scenario with this number."""
    rng, kind, stack = draw_kind(seed, number, long, kinds)
    scenario = Scenario(number, kind, stack, is_long=long)
    scenario.speaks_tls = rng.random() < 0.2
    scenario.passes_redirects = rng.random() < 0.3
    Kinds(rng, scenario).fill(kind)
    return scenario


def draw_kind(seed, number, long=False, kinds=()):
    """Returns the random generator of a scenario, its kind, and its stack."""
    rng = random.Random(f"{seed}/{number}")
    weights = {"silence": 3, "endless drip": 3, "truthful": 1} if long else WEIGHTS
    weights = {kind: weight for kind, weight in weights.items() if not kinds or kind in kinds}
    kind = rng.choices(list(weights), list(weights.values()))[0]
    stack = kind if kind in ("machine", "disk") else "shared"
    is_direct = rng.random() < 0.25 and stack != "disk"
    return rng, kind, stack + (" direct" if is_direct else "")


class Kinds(MachineKinds):
    """Fills scenarios of each kind."""

    def fill(self, kind):
        fill = {
            "truthful": self.truthful,
            "denied": self.denied,
            "stale": self.stale,
            "removal": self.removal,
            "beside": self.beside,
            "crowd": self.crowd,
            "machine": self.machine,
            "disk": self.disk,
            "large": self.large,
            "silence": self.silence,
            "endless drip": self.endless_drip,
        }.get(kind)
        if fill:
            fill()
        else:
            self.faulty(FAMILIES if kind == "mixed" else (kind,))

    def faulty(self, families):
        self.begin(odd=0.1)
        styles = self.scenario.styles
        if "challenge" in families and self.chance(0.6):
            styles["a"].auth = self.rng.choice(["bearer", "bearer at /v2/"])
            styles["a"].token_uses = self.rng.choice([0, 1, 2, 5])
        if "list" in families:
            for repository in self.scenario.repositories:
                if not repository.tags:
                    self.add_tag(repository)
        self.put_faults(families, "a")
        if self.chance(0.3):
            self.put_faults(families, "b")
        if "transport" in families and self.chance(0.1):
            self.scenario.down.append(("a", self.rng.choice([0, 1])))
            if self.chance(0.3):
                self.scenario.down = [("a", 0), ("a", 1)]
        self.stages()
        if self.chance(0.2):
            self.scenario.repositories.append(self.denied_repository("a"))
            self.scenario.stages[0].append(self.step(0.1, self.scenario.repositories[-1]))

    def truthful(self):
        self.begin(odd=0.3)
        self.scenario.is_truthful = True
        if self.chance(0.3):
            self.scenario.repositories.append(self.denied_repository(self.rng.choice("ab")))
        self.stages()
        for stage in self.scenario.stages:
            for step in stage:
                step.expect = self.right_statuses(step)

    def right_statuses(self, step):
        """Returns the right statuses of a request without faults; None for any."""
        style, blob = self.scenario.styles[step.repository.side], step.target
        if step.repository.grants == "page":
            return None
        if step.repository.grants == "denied":
            is_hidden = isinstance(blob, Blob) or step.repository.denial != 403
            return (404,) if is_hidden else (403,)
        statuses = {200}
        if isinstance(blob, Blob):
            if style.storage == "storage":
                statuses.add(307)
            if step.range and step.method == "GET":
                is_surely_part = blob.size and step.if_range is None
                statuses = (statuses - {200} if is_surely_part else statuses) | {206, 416}
            if step.method == "HEAD" and ("no-length" == style.head or style.framing != "length"):
                statuses.add(502)
        return tuple(sorted(statuses))

    def denied_repository(self, side):
        rng = self.rng
        name = f"s{self.scenario.number}/private"
        if self.chance(0.35):
            repository = Repository(side, name, "page", page=rng.choice(["html", "json", "empty"]))
        else:
            repository = Repository(side, name, "denied", rng.choice([404, 404, 403, 401]))
        return repository

    def denied(self):
        """Fills in a repository that has content denied to another one, of either upstream."""
        self.begin()
        scenario = self.scenario
        denied = [self.denied_repository(side) for side in self.rng.choice(["a", "b", "ab"])]
        scenario.repositories += denied
        if self.chance(0.4):
            self.put_faults(("transport",), self.rng.choice("ab"))
        if self.chance(0.3):
            # Slow, but done before the end of healing.
            largest = max(blob.size for blob in scenario.blobs)
            scenario.styles["a"].pace = max(self.rng.choice([50_000, 200_000]), largest // 20)
        for _ in range(2):
            stage = self.steps(self.rng.randrange(2, 5))
            stage += [
                self.step(self.rng.uniform(0, 0.6), repository, target)
                for repository in denied
                for target in scenario.blobs + [None]
                if self.chance(0.7)
            ]
            scenario.stages.append(stage)

    def stale(self):
        """Fills in a tag that upstream sends once, and then refuses."""
        self.begin(odd=0)
        scenario, repository = self.scenario, self.scenario.repositories[0]
        repository.tags = {}
        self.add_tag(repository, 2)
        tag = next(iter(repository.tags))
        first = Step(0, "GET", repository, tag, accept=MEDIA_TYPES, expect=(200,))
        wait = Step(1.6, "GET", repository, tag, accept=MEDIA_TYPES)
        outage = self.rng.choice(["gone", "gone", "down", "503", "reset"])
        scenario.stages = [
            [first],
            [
                wait,
                Step(1.7, "HEAD", repository, tag, accept=MEDIA_TYPES),
                Step(1.8, "GET", repository, tag, accept=MEDIA_TYPES),
            ],
        ]
        scenario.events[1] = [Event(0, "outage", {"how": outage})]
        if self.chance(0.5):
            scenario.events[1].append(Event(1, "move tags"))
        for step in scenario.stages[1]:
            step.expect = (404,) if outage == "gone" else (200,)

    def beside(self):
        """Fills in an upstream that stalls a download while clients of the other one want the same blob."""
        rng = self.rng
        self.begin()
        scenario, prefix = self.scenario, f"s{self.scenario.number}"
        scenario.repositories.append(Repository("b", f"{prefix}/beside"))
        slow = Fault(
            "stall",
            (BLOB_GET,),
            {"at": rng.choice([("start", 0), ("head", 1.0), ("body", 0.1)]), "seconds": round(rng.uniform(2.2, 4), 2)},
            rng.choice([1, 2]),
        )
        scenario.faults_at("a", "storage" if scenario.styles["a"].storage in ("storage", "internal") else 0).append(
            slow
        )
        if self.chance(0.75):
            families = [("content",), ("content", "length"), ("range",), ("transport",), FAMILIES]
            self.put_faults(rng.choice(families), "b")
        for blob in scenario.blobs:
            begin = [self.step(0, scenario.repositories[0], blob, "GET")]
            count = rng.choice([1, 2, 3])
            beside = [self.step(rng.uniform(0.2, 1.5), scenario.repositories[-1], blob) for _ in range(count)]
            scenario.stages = [(scenario.stages[0] if scenario.stages else []) + begin + beside]

    def removal(self):
        """Fills in events that remove files of the store while they are used."""
        self.begin()
        rng = self.rng
        self.scenario.styles["a"].pace = rng.choice([0, 100_000, 300_000])
        if self.chance(0.5):
            self.put_faults(("transport",), "a")
        self.stages(2)
        for stage in range(2):
            names = ["remove blobs", "remove links", "remove partials", "remove records", "spoil partials"]
            self.scenario.events[stage] = [
                Event(round(rng.uniform(0, 1), 2), rng.choice(names)) for _ in range(rng.randrange(1, 4))
            ]

    def crowd(self):
        """Fills in many clients of one blob."""
        self.begin(blobs=1, sizes=[self.rng.randrange(100_000, 600_000)])
        self.scenario.styles["a"].pace = self.rng.choice([0, 150_000])
        if self.chance(0.6):
            self.put_faults(("transport",), "a")
        self.scenario.stages = [[self.step(self.rng.uniform(0, 1), target=self.scenario.blobs[0]) for _ in range(40)]]

    def large(self):
        """Fills in a blob at the size from which its tail is released before it is stored."""
        self.begin(blobs=1, sizes=[RELEASED_EARLY + self.rng.choice([-1, 0, 1])])
        blob = self.scenario.blobs[0]
        if self.chance(0.7):
            fault = self.draw_fault(("transport", "content"), (BLOB_GET,))
            fault.times = fault.times or 1
            self.scenario.faults_at("a", 0).append(fault)
        self.scenario.stages = [[self.step(0, self.scenario.repositories[0], blob), self.step(0.05, target=blob)]]
        for step in self.scenario.stages[0]:
            step.rate = None
        for style in self.scenario.styles.values():
            # In so many pieces these servers take longer than clients wait.
            style.pieces = False

    # --- Long scenarios

    def silence(self):
        """Fills in an upstream that falls silent and stays so on its connection."""
        self.begin()
        for place in self.rng.choice([[0], [0, 1], [1]]):
            fault = self.draw_fault(("long",), (BLOB_GET, BLOB_HEAD, MANIFEST_GET, MANIFEST_HEAD, LIST))
            self.scenario.faults_at("a", place).append(fault)
        self.stages(1, spread=3)

    def endless_drip(self):
        """Fills in a connection that continues with too few bytes to be useful."""
        self.begin(sizes=[self.rng.randrange(150_000, 400_000)] * 3)
        self.scenario.repositories.append(Repository("b", f"s{self.scenario.number}/second"))
        kind = KINDS["endless drip"]
        self.scenario.faults_at("a", 0).append(Fault(kind.name, kind.on, kind.draw(self.rng), 1))
        first = Step(0, "GET", self.scenario.repositories[0], self.scenario.blobs[0], leave_after=1.0)
        self.scenario.stages = [[first, *self.steps(self.rng.randrange(1, 4), 3)]]
