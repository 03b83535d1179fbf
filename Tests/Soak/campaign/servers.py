"""HTTP/1.1 servers that send exactly the given bytes in the given steps."""

import asyncio
import socket
import struct
import time

from .answers import Request

LINGER_RESET = struct.pack("ii", 1, 0)
"""A linger option with which closing a socket resets the connection."""

MAXIMUM_HEAD = 256 * 1024

FIRST_PORT, LAST_PORT = 20000, 32000
"""Ports below those of outgoing connections, so that an endpoint that was down finds its port free."""


PACE = 0.05
"""Seconds between sends at a limited rate."""


class PortRange:
    """Allocates ports to listen on."""

    def __init__(self):
        self.next = FIRST_PORT + (time.time_ns() // 1000) % (LAST_PORT - FIRST_PORT)

    def bind(self, host):
        for _ in range(LAST_PORT - FIRST_PORT):
            self.next = self.next + 1 if self.next + 1 < LAST_PORT else FIRST_PORT
            listener = make_listener(host, self.next)
            if listener:
                return listener
        raise SystemExit("soak: no port is free")


def make_listener(host, port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        return None
    return listener


class Delivery:
    """The steps of sending a response."""

    def __init__(self, steps, closes=False, run=None, pieces=False, pace=0):
        self.steps = steps
        self.closes = closes
        self.run = run
        self.pieces = pieces
        self.pace = pace


class Origin:
    """A server at one address, whose responses are decided elsewhere."""

    def __init__(self, role, answer, host="127.0.0.1", side=None, index=None, site=None, tls=None):
        self.role = role
        self.answer = answer
        self.host = host
        self.side = side
        self.index = index
        self.site = site
        self.tls = tls
        self.server = None
        self.port = None
        self.writers = set()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    async def open(self, ports=None):
        """Listens, the first time on a port of the range, later on the same one."""
        if self.server:
            return
        listener = ports.bind(self.host) if self.port is None else None
        for _ in range(100):
            listener = listener or make_listener(self.host, self.port)
            if listener:
                break
            await asyncio.sleep(0.02)
        if not listener:
            raise RuntimeError(f"port {self.port} of {self.host} was taken meanwhile")
        self.port = listener.getsockname()[1]
        self.server = await asyncio.start_server(
            self.serve, sock=listener, limit=MAXIMUM_HEAD, backlog=1024, ssl=self.tls
        )

    def close(self):
        """Refuses new connections, and resets open ones."""
        if self.server:
            self.server.close()
            self.server = None
        self.abort()

    def abort(self):
        """Closes all connections."""
        for writer in list(self.writers):
            reset(writer)

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if not await self.send(self.answer(self, parse(head)), reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def send(self, delivery, reader, writer):
        """Sends a response; returns False if the connection cannot be used again."""
        for step, *values in delivery.steps:
            if step == "send":
                if delivery.pace and delivery.run.faults_on:
                    await send_paced(writer, values[0], delivery.pace)
                elif delivery.pieces:
                    await send_pieces(writer, values[0])
                else:
                    writer.write(values[0])
                    await flush(writer)
            elif step == "pause":
                await asyncio.sleep(values[0])
            elif step == "fin":
                if self.tls:
                    # An abrupt end, without the TLS alert that announces the end.
                    writer.transport.abort()
                return False
            elif step == "reset":
                reset(writer)
                return False
            elif step == "hang":
                await until_closed(reader, delivery.run)
                return False
            elif step == "drip":
                await drip(writer, delivery.run, *values)
                return False
        return not delivery.closes


async def flush(writer):
    """Waits until the kernel has all bytes, so that a cut or reset takes effect at the right offset."""
    await writer.drain()
    while writer.transport.get_write_buffer_size():
        if writer.transport.is_closing():
            raise ConnectionResetError
        await asyncio.sleep(0.002)


async def send_pieces(writer, data):
    """Sends bytes so that they arrive in many reads of different sizes."""
    start, size = 0, 1
    while start < len(data):
        writer.write(data[start : start + size])
        start += size
        size = min(size * 3 + 1, 40_000)
        await asyncio.sleep(0)
        if writer.transport.is_closing():
            raise ConnectionResetError
    await flush(writer)


async def send_paced(writer, data, rate):
    """Sends at a rate; delays of a busy machine are caught up with."""
    begin, sent = time.monotonic(), 0
    while sent < len(data):
        due = max(1, int((time.monotonic() - begin + PACE) * rate))
        if due > sent:
            writer.write(data[sent:due])
            await flush(writer)
            sent = due
        await asyncio.sleep(PACE)


async def until_closed(reader, run):
    closed = asyncio.ensure_future(reader.read(1))
    ended = asyncio.ensure_future(run.ended.wait())
    try:
        await asyncio.wait({closed, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        closed.cancel()
        ended.cancel()


async def drip(writer, run, data, size, interval):
    for start in range(0, len(data), size):
        if run.ended.is_set():
            return
        writer.write(data[start : start + size])
        await flush(writer)
        await asyncio.sleep(interval)


def reset(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        except OSError:
            pass
    writer.transport.abort()


def parse(head):
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return Request(method, target, headers, time.monotonic())
