"""Faults in the responses of an upstream, and those of transport."""

from dataclasses import dataclass, field

from .answers import Answer

BLOB_GET, BLOB_HEAD, MANIFEST_GET, MANIFEST_HEAD, LIST, ROOT, TOKEN = (
    "blob GET",
    "blob HEAD",
    "manifest GET",
    "manifest HEAD",
    "list",
    "/v2/",
    "token",
)
CONTENT = (BLOB_GET, BLOB_HEAD, MANIFEST_GET, MANIFEST_HEAD, LIST)


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    name: str
    family: str
    draw: object
    apply: object
    on: tuple
    lies: bool
    """True if the bytes, sizes or proofs of the response may be wrong."""


@dataclass
class Fault:
    """A fault of a scenario, for a number of responses or, with `times` 0, for all."""

    name: str
    on: tuple
    params: dict = field(default_factory=dict)
    times: int = 1

    @property
    def kind(self):
        return KINDS[self.name]

    def __str__(self):
        params = ", ".join(f"{key} {value}" for key, value in self.params.items())
        often = "always" if self.times == 0 else f"{self.times}x" if self.times > 1 else "once"
        return f"{self.name}{' (' + params + ')' if params else ''} on {' and '.join(self.on)}, {often}"


@dataclass
class Context:
    """A response that gets a fault, with the way to send it."""

    request: object
    answer: Answer
    run: object
    params: dict
    hosts: object
    """The servers of the campaign."""
    where: object
    """The request's side, endpoint, repository and content."""
    transport: object = None
    """A function that returns the steps in which head and body are sent."""


KINDS = {}


def fault(name, family, draw=lambda rng: {}, on=CONTENT, lies=False):
    def register(function):
        KINDS[name] = Kind(name, family, draw, function, on, lies)
        return function

    return register


# --- Transport


def draw_position(rng):
    return rng.choices(
        [
            ("start", 0),
            ("head", round(rng.random(), 3)),
            ("head", 1.0),
            ("body", round(rng.random(), 3)),
            ("before end", rng.choice([1, 100, 16384, 16385])),
            ("end", 0),
        ],
        [10, 8, 5, 50, 20, 7],
    )[0]


def offset_of(position, head, body):
    where, value = position
    return {
        "start": 0,
        "head": int(len(head) * value),
        "body": len(head) + int(len(body) * value),
        "before end": max(len(head), len(head) + len(body) - value),
        "end": len(head) + len(body),
    }[where]


def split(context):
    """Returns a function that cuts head and body at the position of the fault."""

    def at(head, body):
        wire = head + body
        offset = offset_of(context.params["at"], head, body)
        return wire[:offset], wire[offset:]

    return at


@fault("cut", "transport", lambda rng: {"at": draw_position(rng)}, on=CONTENT + (TOKEN, ROOT))
def cut(context):
    at = split(context)
    context.transport = lambda head, body: [("send", at(head, body)[0]), ("fin",)]


@fault("reset", "transport", lambda rng: {"at": draw_position(rng)}, on=CONTENT + (TOKEN, ROOT))
def reset(context):
    at = split(context)
    context.transport = lambda head, body: [("send", at(head, body)[0]), ("pause", 0.02), ("reset",)]


@fault(
    "stall",
    "transport",
    lambda rng: {"at": draw_position(rng), "seconds": round(rng.uniform(0.2, 3), 2)},
    on=CONTENT + (TOKEN, ROOT),
)
def stall(context):
    at, seconds = split(context), context.params["seconds"]

    def steps(head, body):
        first, rest = at(head, body)
        return [("send", first), ("pause", seconds), ("send", rest)]

    context.transport = steps


@fault(
    "drip",
    "transport",
    lambda rng: {"at": draw_position(rng), "bytes": rng.choice([1, 7, 100]), "seconds": round(rng.uniform(0.5, 3), 2)},
    on=CONTENT + (TOKEN,),
)
def drip(context):
    at, piece = split(context), context.params["bytes"]
    count = int(context.params["seconds"] / 0.05)

    def steps(head, body):
        first, rest = at(head, body)
        drops = [rest[index * piece : (index + 1) * piece] for index in range(count)]
        sent = [step for drop in drops if drop for step in (("send", drop), ("pause", 0.05))]
        return [("send", first), *sent, ("send", rest[count * piece :])]

    context.transport = steps


@fault("silence", "long", lambda rng: {"at": draw_position(rng)}, on=CONTENT + (TOKEN,))
def silence(context):
    at = split(context)
    context.transport = lambda head, body: [("send", at(head, body)[0]), ("hang",)]


@fault(
    "endless drip",
    "long",
    lambda rng: {"at": ("body", round(rng.uniform(0, 0.5), 3)), "rate": rng.choice([1, 10, 300])},
    on=(BLOB_GET,),
)
def endless_drip(context):
    at, rate = split(context), context.params["rate"]

    def steps(head, body):
        first, rest = at(head, body)
        size = max(1, rate // 10)
        return [("send", first), ("drip", rest, size, size / rate)]

    context.transport = steps


@fault("close after answer", "transport")
def close_after_answer(context):
    context.transport = lambda head, body: [("send", head + body), ("fin",)]
