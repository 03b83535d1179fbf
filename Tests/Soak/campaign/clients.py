"""Clients of the proxy: requests for wholes and parts, slow readers, and clients that leave."""

import asyncio
import socket
import time
from dataclasses import dataclass, field

from .content import Blob, Manifest
from .lag import LAG

HEAD_BOUND = 30
"""Seconds until the head of a response: the proxy documents 25, and clients give up after 30."""

TOTAL_BOUND = 110
"""Seconds until the end of a response in a scenario without endless faults."""

CREDENTIAL = "Basic c29ha3VzZXI6c29ha3Bhc3N3b3Jk"
"""The credential that some clients send, and that no server may get."""


@dataclass
class Result:
    """The result of a request for the client."""

    step: object
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    end: str = "refused"
    """`complete`, `cut` before its end, `left` by the client, `refused` before a head, or `late`."""
    head_after: float | None = None
    head_lag: float = 0.0
    """Seconds of `head_after` in which the machine was behind."""
    seconds: float = 0.0
    begun: float = 0.0
    was_stored: bool = False
    """True if the content was in the store before the request."""
    error: str = ""

    @property
    def cache(self):
        return self.headers.get("x-cache", "")

    @property
    def detail(self):
        return self.headers.get("cache-status", "").rpartition("detail=")[2]

    def __str__(self):
        size = f", {len(self.body)} bytes" if self.body or self.status == 200 else ""
        told = f" of {self.headers['content-length']}" if "content-length" in self.headers and size else ""
        part = f", {self.headers['content-range']}" if "content-range" in self.headers else ""
        head = "-" if self.head_after is None else f"{self.head_after:.2f}"
        return (
            f"{self.status or 'no response'} {self.cache} {self.detail}{size}{told}{part}, {self.end}"
            f"{' (' + self.error + ')' if self.error else ''}, head {head} s, end {self.seconds:.2f} s"
        )


def path_of(step, site, number):
    """Returns the target of a request."""
    repository, target = step.repository, step.target
    upstream = site.upstream(repository.side)
    if isinstance(target, Blob):
        tail = f"blobs/{target.digest}"
    elif isinstance(target, Manifest):
        tail = f"manifests/{target.digest}"
    else:
        tail = "tags/list" if target is None else f"manifests/{target}"
    return {
        "path": f"/v2/{upstream}/{repository.name}/{tail}",
        "prefix": f"/{upstream}/v2/{repository.name}/{tail}",
        "ns": f"/v2/{repository.name}/{tail}?ns={upstream}",
    }[step.route]


def entity_tag(size):
    """Returns the ETag that the proxy gives a blob."""
    return f'"{1_000_000_000:x}-{size:x}"'


async def perform(step, port, site, number, bound=TOTAL_BOUND, etag=None):
    """Performs a request; never raises."""
    result = Result(step, begun=time.monotonic(), head_lag=-LAG.total)
    try:
        async with asyncio.timeout(bound):
            await exchange(step, port, site, number, result, etag)
    except TimeoutError:
        result.end, result.error = "late", f"no end after {bound} s"
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        result.end = "cut" if result.status else "refused"
        result.error = type(error).__name__
    result.seconds = time.monotonic() - result.begun
    return result


async def exchange(step, port, site, number, result, etag):
    reader, writer = await connect(port, slow=step.rate is not None)
    try:
        writer.write(request_bytes(step, path_of(step, site, number), port, etag))
        if step.leave_after is None:
            await receive(step, reader, result)
            return
        try:
            async with asyncio.timeout(step.leave_after):
                await receive(step, reader, result)
        except TimeoutError:
            result.end = "left"
    finally:
        writer.transport.abort()


async def connect(port, slow):
    sock = socket.socket()
    sock.setblocking(False)
    if slow:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return await asyncio.open_connection(sock=sock, limit=8192 if slow else 1 << 20)


def request_bytes(step, target, port, etag):
    lines = [f"{step.method} {target} HTTP/1.{0 if step.http10 else 1}", f"Host: 127.0.0.1:{port}", "User-Agent: soak"]
    if not step.http10:
        lines.append("Connection: close")
    if step.range:
        lines.append(f"Range: {step.range}")
    if step.if_range:
        lines.append(f"If-Range: {etag if step.if_range == 'right' else step.if_range}")
    lines += [f"Accept: {kind}" for kind in step.accept]
    if step.credential:
        lines.append(f"Authorization: {CREDENTIAL}")
        lines.append("Cookie: soakcookie=1")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def receive(step, reader, result):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    result.head_after = time.monotonic() - result.begun
    result.head_lag += LAG.total
    result.status = int(head[0].split(" ")[1])
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name:
            result.headers[name.lower()] = value.strip()
    result.end = "cut"
    if step.method == "HEAD" or result.status in (204, 304):
        result.end = "complete"
        return
    body = BodyReader(step, reader, result)
    if "chunked" in result.headers.get("transfer-encoding", ""):
        await body.chunks()
    elif "content-length" in result.headers:
        await body.take(int(result.headers["content-length"]))
    else:
        await body.take(None)


class BodyReader:
    """Reads a body at the pace of its client, until the client leaves."""

    def __init__(self, step, reader, result):
        self.step = step
        self.reader = reader
        self.result = result
        self.parts = []
        self.count = 0
        self.begin = time.monotonic()

    async def take(self, size):
        """Reads a number of bytes, or all up to the end of the connection."""
        complete = await self.pieces(size)
        self.finish(complete)

    async def chunks(self):
        while True:
            size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
            if size == 0:
                await self.reader.readuntil(b"\r\n")
                self.finish(True)
                return
            if not await self.pieces(size):
                self.finish(False)
                return
            await self.reader.readexactly(2)

    async def pieces(self, size):
        step = self.step
        left = size
        try:
            while left is None or left > 0:
                if step.leave_at is not None and self.count >= step.leave_at:
                    self.result.end = "left"
                    return False
                piece = await self.reader.read(min(left or 1 << 20, 4096 if step.rate else 1 << 20))
                if not piece:
                    return size is None
                self.parts.append(piece)
                self.count += len(piece)
                if left is not None:
                    left -= len(piece)
                if step.rate:
                    # Delays of a busy machine are caught up with.
                    await asyncio.sleep(self.count / step.rate - (time.monotonic() - self.begin))
            return True
        finally:
            self.result.body = b"".join(self.parts)

    def finish(self, complete):
        if complete:
            self.result.end = "complete"
