"""Faults of content: bytes, lengths, framing and ranges; see faults.py."""

import gzip
import random

from .answers import Answer, chunked
from .faults import BLOB_GET, BLOB_HEAD, LIST, MANIFEST_GET, MANIFEST_HEAD, fault

PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>\n"


# --- Wrong bytes


@fault("flipped byte", "content", lambda rng: {"at": round(rng.random(), 4)}, on=(BLOB_GET, MANIFEST_GET), lies=True)
def flipped(context):
    body = bytearray(context.answer.body)
    if body:
        body[min(int(len(body) * context.params["at"]), len(body) - 1)] ^= 0x41
    context.answer.body = bytes(body)


@fault(
    "bytes of another", "content", lambda rng: {"seed": rng.randrange(1 << 30)}, on=(BLOB_GET, MANIFEST_GET), lies=True
)
def other_bytes(context):
    others = [blob.data for blob in context.run.scenario.blobs if blob is not context.where.content]
    body = others[0] if others else b""
    size = len(context.answer.body)
    context.answer.body = (body + random.Random(context.params["seed"]).randbytes(size))[:size]


@fault(
    "too short",
    "content",
    lambda rng: {"by": rng.choice([1, 2, 100, 16384, 20000])},
    on=(BLOB_GET, MANIFEST_GET),
    lies=True,
)
def too_short(context):
    context.answer.body = context.answer.body[: -context.params["by"]]


@fault(
    "too long",
    "content",
    lambda rng: {"by": rng.choice([1, 2, 100, 16384, 20000])},
    on=(BLOB_GET, MANIFEST_GET),
    lies=True,
)
def too_long(context):
    context.answer.body += b"\0" * context.params["by"]


@fault("page with 200", "content", lambda rng: {"type": rng.choice(["text/html", "application/json"])}, lies=True)
def page_answer(context):
    html = context.params["type"] == "text/html"
    context.answer.__dict__.update(page(context.request.method, "html" if html else "json").__dict__)


@fault("empty 200", "content", lambda rng: {"length": rng.choice([True, True, False])}, lies=True)
def empty(context):
    framing = "length" if context.params["length"] else "close"
    context.answer.__dict__.update(
        Answer(
            200, [("Content-Type", "application/octet-stream")], b"", framing, is_head=context.request.method == "HEAD"
        ).__dict__
    )


@fault(
    "gzip",
    "content",
    lambda rng: {"body": rng.choice(["encoded", "plain"])},
    on=(BLOB_GET, MANIFEST_GET, LIST),
    lies=True,
)
def encoded(context):
    context.answer.set("Content-Encoding", "gzip")
    if context.params["body"] == "encoded":
        context.answer.body = gzip.compress(context.answer.body, 1)


@fault("wrong type", "content", lambda rng: {"type": rng.choice(["text/html", "image/png", "x", "application/json"])})
def wrong_type(context):
    context.answer.set("Content-Type", context.params["type"])


def page(method, variant):
    """Returns the response of an upstream that sends the same page for every URL."""
    body, media_type = {
        "html": (PAGE, "text/html; charset=utf-8"),
        "json": (b'{"status":"ok"}', "application/json"),
        "empty": (b"", "application/octet-stream"),
    }[variant]
    return Answer(200, [("Content-Type", media_type)], body, is_head=method == "HEAD")


# --- Lengths and framing

HUGE = ["9223372036854775807", "9223372036854775808", "18446744073709551616"]
MALFORMED_LENGTHS = ["-1", "abc", "1e3", "0x10", "", "+5", "5, 5"] + HUGE


@fault(
    "length too long",
    "length",
    lambda rng: {"by": rng.choice([1, 100, 20000])},
    on=(BLOB_GET, MANIFEST_GET, LIST),
    lies=True,
)
def length_too_long(context):
    context.answer.framing = "length"
    context.answer.set("Content-Length", str(len(context.answer.body) + context.params["by"]))
    context.transport = lambda head, body: [("send", head + body), ("fin",)]


@fault(
    "length too short",
    "length",
    lambda rng: {"by": rng.choice([1, 100, 16384, 20000])},
    on=(BLOB_GET, MANIFEST_GET, LIST),
    lies=True,
)
def length_too_short(context):
    context.answer.framing = "length"
    context.answer.set("Content-Length", str(max(0, len(context.answer.body) - context.params["by"])))


@fault("odd length", "length", lambda rng: {"value": rng.choice(MALFORMED_LENGTHS)}, lies=True)
def odd_length(context):
    context.answer.framing = "length"
    context.answer.set("Content-Length", context.params["value"])
    context.transport = lambda head, body: [("send", head + body), ("fin",)]


@fault(
    "wrong length of HEAD",
    "length",
    lambda rng: {"by": rng.choice([-1, 1, 1000])},
    on=(BLOB_HEAD, MANIFEST_HEAD),
    lies=True,
)
def wrong_head_length(context):
    context.answer.framing = "length"
    context.answer.set("Content-Length", str(max(0, len(context.answer.body) + context.params["by"])))


@fault("no length", "length", lambda rng: {"framing": rng.choice(["chunked", "close"])})
def no_length(context):
    context.answer.framing = context.params["framing"]


@fault("two lengths", "length", on=(BLOB_GET, MANIFEST_GET, LIST), lies=True)
def two_lengths(context):
    size = len(context.answer.body)
    context.answer.framing = "raw"
    context.answer.headers += [("Content-Length", str(size)), ("Content-Length", str(size // 2))]


@fault("length and chunks", "length", on=(BLOB_GET, MANIFEST_GET, LIST), lies=True)
def length_and_chunks(context):
    size = len(context.answer.body)
    context.answer.framing = "chunked"
    context.answer.headers.append(("Content-Length", str(max(0, size - 3))))


@fault(
    "broken chunks",
    "length",
    lambda rng: {"size": rng.choice(["fffffffffffffffff", "zz", "-5", "7fffffffffffffff"])},
    on=(BLOB_GET, MANIFEST_GET, LIST),
    lies=True,
)
def broken_chunks(context):
    answer = context.answer
    garbage = chunked(answer.body)[:100]
    beginning = answer.body[: len(answer.body) // 2]
    answer.framing = "raw"
    answer.set("Transfer-Encoding", "chunked")
    answer.seen = beginning + garbage
    first = b"%x\r\n" % len(beginning) + beginning + b"\r\n" if beginning else b""
    answer.body = first + context.params["size"].encode() + b"\r\n" + garbage


# --- Ranges


def part_told(answer, total):
    """Returns the part of a response by its own headers."""
    told = answer.get("Content-Range")
    if answer.status == 206 and told and told.startswith("bytes "):
        first, _, last = told[6:].partition("/")[0].partition("-")
        return int(first), int(last) + 1
    return 0, total


@fault("another part", "range", lambda rng: {"by": rng.choice([-1, 1, -100, 4096, 16384])}, on=(BLOB_GET,), lies=True)
def another_part(context):
    data = context.where.content.data
    start, end = part_told(context.answer, len(data))
    start = min(max(0, start + context.params["by"]), max(0, len(data) - 1))
    end = max(start + 1, min(end, len(data)))
    context.answer.status, context.answer.body = 206, data[start:end]
    context.answer.set("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")


@fault("bytes of another part", "range", lambda rng: {"by": rng.choice([-1, 1, 100, 4096])}, on=(BLOB_GET,), lies=True)
def bytes_of_another_part(context):
    data, answer = context.where.content.data, context.answer
    start, end = part_told(answer, len(data))
    shift = context.params["by"]
    answer.body = (data + data)[max(0, start + shift) :][: end - start].ljust(end - start, b"\0")


@fault("wrong total", "range", lambda rng: {"total": rng.choice(["*", "+1", "-1"] + HUGE)}, on=(BLOB_GET,), lies=True)
def wrong_total(context):
    data = context.where.content.data
    start, end = part_told(context.answer, len(data))
    total = context.params["total"]
    total = str(len(data) + int(total)) if total in ("+1", "-1") else total
    context.answer.status = 206
    context.answer.set("Content-Range", f"bytes {start}-{end - 1}/{total}")


@fault(
    "odd Content-Range",
    "range",
    lambda rng: {
        "value": rng.choice(
            [
                "bytes 9223372036854775807-9223372036854775807/9223372036854775807",
                "bytes 5-4/10",
                "items 0-1/2",
                "bytes -1-5/10",
                "bytes 0-9223372036854775806/9223372036854775807",
                "bytes 0-99999999999999999999/5",
                "",
                "bytes */10",
            ]
        )
    },
    on=(BLOB_GET,),
    lies=True,
)
def odd_content_range(context):
    context.answer.status = 206
    context.answer.set("Content-Range", context.params["value"])


@fault("206 without part", "range", on=(BLOB_GET,), lies=True)
def part_missing(context):
    context.answer.status = 206
    context.answer.remove("Content-Range")


@fault("206 unasked", "range", lambda rng: {"end": round(rng.random(), 3)}, on=(BLOB_GET,), lies=True)
def part_unasked(context):
    data = context.where.content.data
    if context.answer.status == 200 and data:
        end = max(1, int(len(data) * context.params["end"]))
        context.answer.status, context.answer.body = 206, data[:end]
        context.answer.set("Content-Range", f"bytes 0-{end - 1}/{len(data)}")


@fault("whole for a part", "range", on=(BLOB_GET,))
def whole_for_part(context):
    answer = context.answer
    answer.status, answer.body = 200, context.where.content.data
    answer.remove("Content-Range")


@fault("416", "range", on=(BLOB_GET,), lies=True)
def unsatisfiable(context):
    context.answer.__dict__.update(Answer(416, [("Content-Range", "bytes */7")], b"").__dict__)


@fault("changed ETag", "range", lambda rng: {"tag": f'"{rng.randbytes(4).hex()}"'}, on=(BLOB_GET, BLOB_HEAD))
def changed_tag(context):
    context.answer.set("ETag", context.params["tag"])
