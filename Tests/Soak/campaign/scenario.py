"""The parts of a scenario, which is drawn from its own seed, so that it can be repeated without the others."""

from dataclasses import dataclass, field

from .content import Blob, Manifest


@dataclass
class Style:
    """The way in which an upstream responds without faults."""

    auth: str = "none"
    """`none`, `bearer`, or `bearer at /v2/` if only that path sends the challenge."""
    token_uses: int = 0
    """The number of requests that a token is valid for; 0: any."""
    head: str = "yes"
    """The treatment of HEAD: `yes`, `405`, `401`, or `no-length`."""
    ranges: bool = True
    etag: str = "strong"
    framing: str = "length"
    storage: str = "none"
    """The target of redirects for blobs: `none`, `storage`, `internal` or `own`."""
    pieces: bool = False
    """True if responses are sent in small pieces."""
    pace: int = 0
    """The speed of bodies in bytes per second; 0: unlimited."""
    hostile_headers: bool = False
    names_digest: bool = True

    def __str__(self):
        plain = Style()
        odd = [f"{name} {value}" for name, value in vars(self).items() if value != getattr(plain, name)]
        return ", ".join(odd) or "plain"


@dataclass
class Repository:
    """A repository of one of the two upstreams of a scenario."""

    side: str
    name: str
    grants: str = "all"
    """`all`; `denied`: `denial` for every request; `page`: the same page for every request."""
    denial: int = 404
    page: str = "html"
    tags: dict = field(default_factory=dict)
    """Tag to the versions of its manifest, in order."""

    def __str__(self):
        grants = {"denied": f"denied with {self.denial}", "page": f"{self.page} page"}.get(self.grants, "granted")
        return f"{self.side}:{self.name} ({grants})"


@dataclass
class Step:
    """A request of a client."""

    at: float
    method: str
    repository: Repository
    target: object
    """A blob, a manifest, a tag, or None for the list of tags."""
    route: str = "path"
    """The naming of the upstream: `path`, `prefix` or `ns`."""
    range: str | None = None
    if_range: str | None = None
    accept: tuple = ()
    leave_after: float | None = None
    """Seconds until the client leaves."""
    leave_at: int | None = None
    """The number of body bytes after which the client leaves."""
    rate: int | None = None
    """The speed of the client in bytes per second."""
    expect: tuple | None = None
    """The only right statuses."""
    http10: bool = False
    credential: bool = False
    """True if the client sends its own credentials."""

    def __str__(self):
        extras = []
        for name in ("range", "if_range", "leave_after", "leave_at", "rate", "expect"):
            if getattr(self, name) is not None:
                extras.append(f"{name} {getattr(self, name)}")
        for name in ("http10", "credential"):
            if getattr(self, name):
                extras.append(name)
        if self.accept:
            extras.append("accept " + " ".join(kind.rsplit(".", 1)[-1] for kind in self.accept))
        what = "tags/list" if self.target is None else self.target
        place = f"{self.repository.side}:{self.repository.name}"
        return ", ".join([f"{self.at:5.2f} s: {self.method} {what} of {place} by {self.route}", *extras])


@dataclass
class Event:
    """An event of the machine, the files or the upstream during requests."""

    at: float
    name: str
    params: dict = field(default_factory=dict)

    def __str__(self):
        params = ", ".join(f"{key} {value}" for key, value in self.params.items())
        return f"{self.at:5.2f} s: {self.name}{' (' + params + ')' if params else ''}"


@dataclass
class Disk:
    """A small disk for the store."""

    size: int
    inodes: int = 0
    max_size: int = 0
    min_free: int = 0
    delivery: str = "x-accel"

    def __str__(self):
        limits = "".join(
            f", {name} {value}"
            for name, value in (("inodes", self.inodes), ("max_size", self.max_size), ("min_free", self.min_free))
            if value
        )
        return f"tmpfs of {self.size} bytes{limits}, delivery {self.delivery}"


@dataclass
class Scenario:
    number: int
    kind: str
    stack: str
    """The required stack: `shared`, `shared direct`, `machine`, `machine direct` or `disk`."""
    speaks_tls: bool = False
    passes_redirects: bool = False
    """True if redirects of upstream b to storage are passed to the client."""
    blobs: list[Blob] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)
    repositories: list[Repository] = field(default_factory=list)
    styles: dict = field(default_factory=dict)
    faults: dict = field(default_factory=dict)
    """(side, place) to the faults in order; a place is an endpoint's number, `storage` or `token`."""
    down: list = field(default_factory=list)
    """(side, endpoint) that refuses connections while faults are active."""
    stages: list = field(default_factory=list)
    """Lists of steps; a stage begins at the end of the one before."""
    events: dict = field(default_factory=dict)
    """Number of a stage to its events."""
    disk: Disk | None = None
    is_truthful: bool = False
    """True if there are no faults, so that every request has to succeed at once."""
    is_long: bool = False

    def faults_at(self, side, place):
        return self.faults.setdefault((side, place), [])

    @property
    def all_faults(self):
        return [fault for faults in self.faults.values() for fault in faults]

    def words(self):
        """Returns a description of the scenario for readers."""
        lines = [
            f"scenario {self.number}: {self.kind}, on a {self.stack} stack{', TLS' if self.speaks_tls else ''}"
            f"{', redirects of b to storage are passed on' if self.passes_redirects else ''}"
        ]
        lines += [f"  blob {blob}" for blob in self.blobs]
        lines += [f"  {manifest}" for manifest in self.manifests]
        lines += [f"  upstream {side}: {style}" for side, style in sorted(self.styles.items())]
        for repository in self.repositories:
            tags = "".join(
                f"; {tag}: {', then '.join(v.hex[:12] for v in versions)}" for tag, versions in repository.tags.items()
            )
            lines.append(f"  repository {repository}{tags}")
        if self.disk:
            lines.append(f"  store on a {self.disk}")
        lines += [f"  endpoint {side}{index} is down" for side, index in self.down]
        for (side, place), faults in sorted(self.faults.items(), key=str):
            lines += [f"  {side} {place}: {fault}" for fault in faults]
        for number, stage in enumerate(self.stages, 1):
            lines.append(f"  stage {number}")
            everything = list(stage) + list(self.events.get(number - 1, []))
            lines += [f"    {entry}" for entry in sorted(everything, key=lambda entry: entry.at)]
        return "\n".join(lines)
