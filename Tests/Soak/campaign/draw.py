"""Draws the parts of scenarios: blobs, upstreams, repositories, requests and faults."""

from . import content_faults, more_faults  # noqa: F401  registers their kinds of faults
from .content import HELD_BACK, MEDIA_TYPES, Blob, Manifest
from .faults import BLOB_GET, BLOB_HEAD, CONTENT, KINDS, ROOT, TOKEN, Fault
from .scenario import Repository, Step, Style


def draw_size(rng):
    kind = rng.choices(["none", "one", "edge", "small", "usual", "large"], [3, 3, 16, 12, 58, 8])[0]
    return {
        "none": 0,
        "one": 1,
        "edge": HELD_BACK + rng.choice([-1, 0, 1, 2]),
        "small": rng.randrange(2, HELD_BACK),
        "usual": int(17_000 * 20 ** rng.random()),
        "large": rng.randrange(400_000, 2_500_000),
    }[kind]


def draw_range(rng, size):
    """Draws a Range header; most are within the blob."""
    middle = rng.randrange(size) if size else 0
    return rng.choice(
        [
            "bytes=0-0",
            f"bytes=0-{max(0, size // 2)}",
            f"bytes={middle}-",
            f"bytes={middle}-{middle + 99}",
            f"bytes=-{rng.choice([1, 100, HELD_BACK, size + 5])}",
            f"bytes={max(0, size - 1)}-",
            f"bytes={max(0, size - 200)}-{size}",
            f"bytes={size}-",
            f"bytes={size + 1000}-{size + 2000}",
            f"bytes={middle}-9223372036854775807",
            "bytes=0-",
        ]
    )


class Drawing:
    """Fills a scenario with drawn parts."""

    def __init__(self, rng, scenario):
        self.rng = rng
        self.scenario = scenario

    def chance(self, probability):
        return self.rng.random() < probability

    def style(self, odd=0.15):
        rng = self.rng
        return Style(
            auth=rng.choices(["none", "bearer", "bearer at /v2/"], [5, 4, 1])[0],
            head=rng.choice(["405", "401", "no-length"]) if self.chance(odd / 2) else "yes",
            ranges=not self.chance(odd),
            etag=rng.choices(["strong", "weak", "none"], [6, 1, 2])[0],
            framing=rng.choice(["chunked", "close"]) if self.chance(odd / 2) else "length",
            storage=rng.choice(["storage", "storage", "internal", "own"]) if self.chance(0.25) else "none",
            pieces=self.chance(0.15),
            hostile_headers=self.chance(0.1),
            names_digest=not self.chance(0.2),
        )

    def begin(self, blobs=None, sizes=None, odd=0.15):
        """Draws blobs, styles and the repositories with all blobs."""
        rng, scenario = self.rng, self.scenario
        for index in range(blobs or rng.choice([1, 1, 1, 2, 2, 3])):
            size = sizes[index] if sizes else draw_size(rng)
            scenario.blobs.append(Blob(rng, size, "sha512" if self.chance(0.12) else "sha256"))
        scenario.styles = {"a": self.style(odd), "b": self.style(odd)}
        prefix = f"s{scenario.number}"
        names = [f"{prefix}/app"] + ([f"{prefix}/team/other"] if self.chance(0.35) else [])
        scenario.repositories = [Repository("a", name) for name in names]
        if self.chance(0.6):
            scenario.repositories.append(Repository("b", rng.choice([f"{prefix}/app", f"{prefix}/mirror"])))
        for repository in scenario.repositories:
            if self.chance(0.5):
                self.add_tag(repository)

    def add_tag(self, repository, versions=None):
        made = [
            Manifest(self.rng, self.scenario.blobs, self.rng.choice(MEDIA_TYPES))
            for _ in range(versions or self.rng.choice([1, 2]))
        ]
        self.scenario.manifests += made
        repository.tags[self.rng.choice(["latest", "v1", "1.2.conf"])] = made

    def step(self, at, repository=None, target="any", method=None):
        """Draws a request; without a target, for any content of the repository."""
        rng, scenario = self.rng, self.scenario
        repository = repository or rng.choice(scenario.repositories)
        if target == "any":
            choices = scenario.blobs * 4
            for tag, versions in repository.tags.items():
                choices += [tag, tag, versions[0]]
            target = rng.choice(choices + [None] if self.chance(0.12) else choices)
        is_blob = isinstance(target, Blob)
        step = Step(
            round(at, 2),
            method or ("HEAD" if target is not None and self.chance(0.1) else "GET"),
            repository,
            target,
            route=rng.choice(["path", "path", "prefix", "ns"]),
        )
        if is_blob and step.method == "GET" and self.chance(0.3):
            step.range = draw_range(rng, target.size)
            if self.chance(0.2):
                step.if_range = rng.choice(["right", "right", '"wrong"'])
        if not is_blob and target is not None:
            step.accept = rng.choice([(), MEDIA_TYPES, MEDIA_TYPES, rng.choice(MEDIA_TYPES[:1]), ("*/*",)])
            step.accept = (step.accept,) if isinstance(step.accept, str) else step.accept
        step.http10 = self.chance(0.05)
        step.credential = self.chance(0.05)
        self.behave(step)
        return step

    def behave(self, step):
        """Lets some clients leave and some read slowly."""
        size = getattr(step.target, "size", 200)
        if self.chance(0.13):
            if self.chance(0.4):
                step.leave_after = round(self.rng.uniform(0, 0.5), 3)
            else:
                step.leave_at = self.rng.randrange(size + 1)
        elif size > 50_000 and self.chance(0.12):
            step.rate = int(size / self.rng.uniform(0.5, 3))

    def steps(self, count, spread=0.6):
        """Draws requests, many of them at the same time."""
        times = [0.0 if self.chance(0.4) else self.rng.uniform(0, spread) for _ in range(count)]
        return [self.step(at) for at in sorted(times)]

    def stages(self, count=None, spread=0.6):
        for _ in range(count or self.rng.choice([1, 1, 2])):
            self.scenario.stages.append(self.steps(self.rng.randrange(2, 8), spread))

    def draw_fault(self, families, on=None):
        kinds = [kind for kind in KINDS.values() if kind.family in families and (on is None or set(on) & set(kind.on))]
        kind = self.rng.choice(kinds)
        classes = [name for name in kind.on if on is None or name in on]
        if len(classes) > 1 and self.chance(0.6):
            classes = [name for name in classes if name in (BLOB_GET, BLOB_HEAD)] or classes
        times = self.rng.choices([1, 2, 4, 0], [5, 2, 2, 2])[0]
        return Fault(kind.name, tuple(classes), kind.draw(self.rng), times)

    def put_faults(self, families, side):
        """Draws faults for the endpoints of an upstream, its storage and its token service."""
        scenario, style = self.scenario, self.scenario.styles[side]
        places = [0, 0, 0, 1] if self.chance(0.5) else [0, 1]
        if style.storage in ("storage", "internal"):
            places += ["storage"] * 3
        for index in range(self.rng.choice([1, 1, 2, 3])):
            # The second endpoint gets requests only if the first one fails.
            place = self.rng.choice(places) if index or style.storage != "none" else 0
            family = [name for name in families if place != "storage" or name != "challenge"] or ["transport"]
            scenario.faults_at(side, place).append(self.draw_fault(family, CONTENT))
        if style.auth != "none" and set(families) & {"challenge", "transport", "status", "form"} and self.chance(0.4):
            family = [name for name in families if name in ("challenge", "transport", "status", "form")]
            scenario.faults_at(side, "token").append(self.draw_fault(family, (TOKEN,)))
        if style.auth == "bearer at /v2/" and self.chance(0.3):
            scenario.faults_at(side, self.rng.choice([0, 1])).append(
                self.draw_fault(("transport", "challenge", "status"), (ROOT,))
            )
