"""Responses of an upstream before faults are applied, and their wire form."""

import re
from dataclasses import dataclass, field

REASONS = {
    200: "OK",
    206: "Partial Content",
    302: "Found",
    307: "Temporary Redirect",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    416: "Range Not Satisfiable",
}


@dataclass
class Request:
    """A request that an upstream server has read."""

    method: str
    target: str
    headers: dict
    received: float = 0.0

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]


@dataclass
class Answer:
    """A status, headers and a body, with the framing that its wire form has."""

    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""
    framing: str = "length"
    version: str = "HTTP/1.1"
    reason: str | None = None
    is_head: bool = False
    """True if the body is only announced."""
    prefix: bytes = b""
    """Bytes before the status line, such as another response."""
    suffix: bytes = b""
    """Bytes after the body."""
    seen: bytes | None = None
    """The bytes that a reader takes for the body, if they are not the right ones."""
    raw_head: bytes | None = None
    """A head that replaces the status line and all headers."""

    def set(self, name, value):
        self.remove(name)
        self.headers.append((name, value))

    def remove(self, name):
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name.lower()]

    def get(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def wire(self):
        """Returns the head and the body as sent."""
        if self.raw_head is not None:
            return self.prefix + self.raw_head, (b"" if self.is_head else self.body) + self.suffix
        headers = list(self.headers)
        body = self.body
        named = {key.lower() for key, _ in headers}
        if self.framing == "length" and "content-length" not in named and self.status >= 200:
            headers.append(("Content-Length", str(len(body))))
        elif self.framing == "chunked":
            headers.append(("Transfer-Encoding", "chunked"))
            body = chunked(body)
        elif self.framing == "close":
            headers.append(("Connection", "close"))
        reason = REASONS.get(self.status, "Status") if self.reason is None else self.reason
        lines = [f"{self.version} {self.status} {reason}"] + [f"{key}: {value}" for key, value in headers]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return self.prefix + head, (b"" if self.is_head else body) + self.suffix

    @property
    def closes(self):
        return self.framing == "close" or self.version == "HTTP/1.0"


def chunked(body, pieces=3):
    size = max(1, -(-len(body) // pieces))
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def parse_range(value, size):
    """Returns the part `[start, end)` of a Range header; None for the whole, False for a part beyond the end."""
    match = RANGE.match(value or "")
    if not match or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        count = min(int(last), size)
        return (size - count, size) if count else False
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return False
    return int(first), min(int(last) + 1 if last else size, size)


def content_answer(request, data, style, content_type, etag):
    """Returns the right response to a GET or HEAD of content, in the style of the upstream."""
    answer = Answer(200, [("Content-Type", content_type)], data, style.framing, is_head=request.method == "HEAD")
    if etag:
        answer.headers.append(("ETag", etag))
    if style.ranges:
        answer.headers.append(("Accept-Ranges", "bytes"))
        condition = request.headers.get("if-range")
        wanted = request.headers.get("range") if condition in (None, etag) and not answer.is_head else None
        part = parse_range(wanted, len(data))
        if part is False:
            answer.status, answer.body, answer.framing = 416, b"", "length"
            answer.headers.append(("Content-Range", f"bytes */{len(data)}"))
        elif part:
            answer.status, answer.body = 206, data[part[0] : part[1]]
            answer.headers.append(("Content-Range", f"bytes {part[0]}-{part[1] - 1}/{len(data)}"))
    if answer.is_head and style.head == "no-length":
        answer.framing = "close"
    return answer


def error_answer(status, code="UNKNOWN", method="GET"):
    body = b'{"errors":[{"code":"%s","message":"scripted"}]}' % code.encode()
    return Answer(status, [("Content-Type", "application/json")], body, is_head=method == "HEAD")
