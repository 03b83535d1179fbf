"""Faults of status, form, redirection, challenges, tokens and lists; see faults.py."""

import json

from .answers import Answer, error_answer
from .faults import BLOB_GET, BLOB_HEAD, CONTENT, LIST, MANIFEST_GET, MANIFEST_HEAD, ROOT, TOKEN, fault


def replace(context, answer):
    context.answer.__dict__.update(answer.__dict__)


# --- Statuses

STATUSES = [
    201,
    202,
    203,
    204,
    205,
    226,
    300,
    304,
    305,
    306,
    399,
    400,
    402,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    416,
    418,
    421,
    425,
    426,
    429,
    451,
    500,
    501,
    502,
    503,
    504,
    505,
    507,
    511,
    599,
]


@fault("status", "status", lambda rng: {"status": rng.choice(STATUSES)}, on=CONTENT + (ROOT, TOKEN))
def status(context):
    code = context.params["status"]
    if code in (201, 202, 203, 226):
        context.answer.status = code
        return
    answer = error_answer(code, method=context.request.method)
    if code in (204, 304):
        answer.body, answer.framing = b"", "raw"
    if code in (429, 503):
        answer.headers.append(("Retry-After", "1"))
    replace(context, answer)


@fault("no connection's status", "status", lambda rng: {"status": rng.choice([429, 500, 502, 503, 504])}, on=CONTENT)
def transient(context):
    replace(context, error_answer(context.params["status"], method=context.request.method))


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
    "102 twice": b"HTTP/1.1 102 Processing\r\n\r\n" * 2,
    "101": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "another answer": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
}


@fault("interim answer", "status", lambda rng: {"answer": rng.choice(list(INTERIM))}, lies=True)
def interim(context):
    context.answer.prefix = INTERIM[context.params["answer"]]


# --- Forms

MALFORMED = {
    "status no number": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "status 999": b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
    "status 99": b"HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n",
    "other protocol": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no head": b"",
    "binary": bytes(range(256)),
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "HTTP/2 settings": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/3.9": b"HTTP/3.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "NUL in header": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bare CR": b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
    "nameless header": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
    "space in name": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "folded header": b"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 7\r\nContent-Length: 0\r\n\r\n",
    "large header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 2000 + b"Content-Length: 0\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 10_000,
}


@fault(
    "malformed head", "form", lambda rng: {"head": rng.choice(list(MALFORMED))}, on=CONTENT + (TOKEN, ROOT), lies=True
)
def malformed(context):
    context.answer.raw_head = MALFORMED[context.params["head"]]
    context.transport = lambda head, body: [("send", head + body), ("fin",)]


@fault("bare LF", "form")
def bare_lf(context):
    context.answer.raw_head = context.answer.wire()[0].replace(b"\r\n", b"\n")


@fault("HTTP/1.0", "form")
def http10(context):
    context.answer.version = "HTTP/1.0"


@fault("unasked answer behind", "form", on=(BLOB_GET, BLOB_HEAD, MANIFEST_GET, MANIFEST_HEAD), lies=True)
def answer_behind(context):
    context.answer.suffix = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n"


@fault("hostile headers", "form")
def hostile_headers(context):
    """Adds headers that would steer nginx or reach the client if copied."""
    context.answer.headers += POISON


POISON = [
    ("X-Accel-Redirect", "/_regproxy_store/sha256/00/0"),
    ("X-Accel-Limit-Rate", "1"),
    ("Status", "500 Poison"),
    ("Set-Cookie", "soakpoison=1"),
    ("X-Soak-Poison", "1"),
    ("X-Cache", "HIT"),
    ("Content-Location", "/poison"),
]


# --- Redirects

REDIRECTS = [
    "own",
    "own relative",
    "chain 2",
    "chain 5",
    "chain 6",
    "chain 7",
    "cycle",
    "cycle of two",
    "storage",
    "internal",
    "unlisted",
    "private",
    "other port",
    "user information",
    "ftp",
    "fragment",
    "bad bytes",
    "no Location",
    "empty Location",
    "long Location",
    "no host",
]


@fault(
    "redirect",
    "redirect",
    lambda rng: {
        "status": rng.choice([301, 302, 303, 307, 308]),
        "to": rng.choice(REDIRECTS + ["storage", "own relative"]),
    },
)
def redirect(context):
    location = context.hosts.location(context.params["to"], context)
    headers = [] if location is None else [("Location", location)]
    replace(context, Answer(context.params["status"], headers, b"moved\n", is_head=context.request.method == "HEAD"))
    if location:
        context.run.note_location(location, context)


# --- Challenges and tokens

CHALLENGES = {
    "Basic": 'Basic realm="soak"',
    "none": None,
    "Bearer alone": "Bearer",
    "empty realm": 'Bearer realm="",service="soak"',
    "realm without scheme": 'Bearer realm="not a url",service="soak"',
    "ftp realm": 'Bearer realm="ftp://127.0.0.1/token"',
    "no realm": 'Bearer service="soak",scope="x"',
    "dead realm": 'Bearer realm="SCHEME://127.0.0.1:1/token",service="soak"',
    "foreign realm": 'Bearer realm="FOREIGN/token",service="soak"',
    "realm on another port": 'Bearer realm="NEIGHBOUR/token",service="soak"',
    "Negotiate": "Negotiate abc==",
    "garbage": '"",=,Bearer realm="',
    "refused token": 'Bearer realm="REALM",service="soak",error="insufficient_scope"',
    "other scope": 'Bearer realm="REALM",service="soak",scope="repository:other/one:pull,push"',
    "Basic and Bearer": 'Basic realm="soak", Bearer realm="REALM",service="soak"',
    "realm with query": 'Bearer realm="REALM?a=b",service="soak"',
}


@fault("challenge", "challenge", lambda rng: {"challenge": rng.choice(list(CHALLENGES))}, on=CONTENT + (ROOT,))
def challenge(context):
    text = CHALLENGES[context.params["challenge"]]
    answer = error_answer(401, "UNAUTHORIZED", context.request.method)
    if text:
        answer.headers.append(("WWW-Authenticate", context.hosts.fill(text, context)))
    replace(context, answer)


TOKENS = {
    "no JSON": b"<html>",
    "no token": b"{}",
    "empty token": b'{"token":""}',
    "number": b'{"token":5}',
    "line break": b'{"token":"a\\r\\nX-Soak-Poison: 1"}',
    "list": b"[]",
    "deep": b"[" * 10_000,
    "large": json.dumps({"token": "a" * 300_000}).encode(),
    "nothing": b"",
}


@fault("bad token", "challenge", lambda rng: {"answer": rng.choice(list(TOKENS))}, on=(TOKEN,))
def bad_token(context):
    replace(context, Answer(200, [("Content-Type", "application/json")], TOKENS[context.params["answer"]]))


@fault(
    "odd expiry",
    "challenge",
    lambda rng: {"expires_in": rng.choice([0, -1, "x", 1e300, 10**20, None, "60"])},
    on=(TOKEN,),
)
def odd_expiry(context):
    document = json.loads(context.answer.body)
    document["expires_in"] = context.params["expires_in"]
    context.answer.body = json.dumps(document).encode()


@fault("redirected token service", "challenge", on=(TOKEN,))
def redirected_service(context):
    replace(context, Answer(307, [("Location", context.hosts.foreign + "/token")], b""))


# --- Lists and manifests

LINKS = [
    '</v2/other/one/tags/list?n=1&last=a>; rel="next"',
    '<https://evil.test/v2/x/tags/list?n=1&last=a>; rel="next"',
    '</v2/x/tags/list?n=1&last=a&ns=evil.test>; rel="next"',
    '<?n=1&last=%0d%0aX-Soak-Poison:1>; rel="next"',
    '</v2/x/tags/list?n=1&last=a>; rel="next", </b>; rel="prev"',
    "<",
    '<>; rel="next"',
]


@fault("odd Link", "list", lambda rng: {"link": rng.choice(LINKS)}, on=(LIST,))
def odd_link(context):
    context.answer.headers.append(("Link", context.params["link"]))


@fault("oversize document", "list", on=(LIST, MANIFEST_GET), lies=True)
def oversize(context):
    context.answer.body = b'{"schemaVersion":2,"x":"' + b"a" * (4 << 20) + b'"}'


@fault(
    "document no object",
    "list",
    lambda rng: {"body": rng.choice(["[]", "null", "{", "{}", '"x"', ""])},
    on=(LIST, MANIFEST_GET),
    lies=True,
)
def no_object(context):
    context.answer.body = context.params["body"].encode()


@fault("wrong digest named", "list", on=(MANIFEST_GET, MANIFEST_HEAD), lies=True)
def wrong_digest_named(context):
    context.answer.set("Docker-Content-Digest", "sha256:" + "ab" * 32)


@fault("malformed digest named", "list", on=(MANIFEST_GET, MANIFEST_HEAD, BLOB_GET, BLOB_HEAD))
def malformed_digest_named(context):
    context.answer.set("Docker-Content-Digest", "sha256:../../../../etc/passwd")
