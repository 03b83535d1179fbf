"""The upstreams of all scenarios: registries, their storage and token services, and hosts that nobody may ask."""

import json
import re
import secrets
import urllib.parse
from dataclasses import dataclass

from .answers import Answer, content_answer, error_answer
from .content import Blob
from .content_faults import page
from .faults import (BLOB_GET, BLOB_HEAD, LIST, MANIFEST_GET, MANIFEST_HEAD, ROOT, TOKEN, Context)
from .more_faults import POISON
from .hosts import Hosts, Site
from .servers import Delivery, Origin, PortRange

TOKEN_MARK = "soaktoken"
"""What tokens begin with, so that they can be looked for in logs."""

REGISTRY_PATH = re.compile(r"/v2/(.+)/(blobs|manifests|tags)/([^/?]+)$")
NUMBER = re.compile(r"s(\d+)/")

NEEDS_CONTENT = ("content", "length", "range", "list")
"""Families of faults that change content: an answer without any is left for them."""


@dataclass
class Where:
    """What a request is about."""

    side: str
    place: object
    repository: object
    content: object
    request_class: str
    origin: Origin
    target: str


class World:
    """All servers, and who asked them what."""

    def __init__(self):
        self.ports = PortRange()
        self.sites = []
        self.runs = {}
        self.tokens = {}
        """Token to (origin it was issued for, number of the scenario, uses left)."""
        self.violations = []
        self.families = {}

    async def open(self, tls):
        """Opens the servers that all sites share, for each of plain HTTP and, with a context, TLS."""
        for context in {None, tls}:
            self.families[context] = Hosts(self, context)
            await self.families[context].open(self.ports)

    async def add_site(self, tls):
        site = Site(len(self.sites), self, tls)
        self.sites.append(site)
        await site.open(self.ports)
        return site

    def origins(self):
        for family in self.families.values():
            yield from family.origins
        for site in self.sites:
            yield from site.origins.values()

    def close(self):
        for origin in self.origins():
            origin.close()

    # --- Requests

    def answer(self, origin, request):
        run = self.find_run(origin, request)
        self.check_credentials(origin, request, run)
        if origin.role == "canary":
            self.report(run, "forbidden host", f"{request.method} {request.target} was sent to {origin.url}")
            return Delivery([("send", b"".join(error_answer(404).wire()))])
        if origin.role == "token":
            return self.token_answer(origin, request, run)
        if run is None:
            if origin.role == "endpoint" and request.path.rstrip("/") == "/v2":
                return Delivery([("send", b"".join(Answer(200, [], b"{}").wire()))])
            return Delivery([("send", b"".join(error_answer(404, method=request.method).wire()))])
        return self.registry_answer(origin, request, run)

    def find_run(self, origin, request):
        number = NUMBER.search(urllib.parse.unquote(request.target))
        if number:
            return self.runs.get(int(number.group(1)))
        return origin.site.run if origin.site else None

    def report(self, run, rule, text):
        if run:
            run.violate(rule, text)
        else:
            self.violations.append(f"{rule}: {text}")

    def check_credentials(self, origin, request, run):
        if "cookie" in request.headers:
            self.report(run, "credential", f"a Cookie came to {origin.url}{request.target}")
        credential = request.headers.get("authorization")
        if credential is None:
            return
        token = self.tokens.get(credential.removeprefix("Bearer "))
        issued_for = token and token[0]
        if origin.role != "endpoint" or issued_for is not origin:
            owner = f"the token of {issued_for.url}" if issued_for else f"'{credential[:30]}'"
            self.report(run, "credential", f"{owner} came to {origin.role} {origin.url}{request.target}")

    def registry_answer(self, origin, request, run):
        side, place, path = origin.side, origin.index, request.path
        if origin.role in ("storage", "internal"):
            if not path.startswith("/get/"):
                return Delivery([("send", b"".join(error_answer(404, method=request.method).wire()))])
            _, _, _, side, path = path.split("/", 4)
            place, path = "storage", "/" + path
        style = run.scenario.styles[side]
        where, answer = self.right_answer(origin, request, run, side, place, path, style)
        context = Context(request, answer, run, {}, self.families[origin.tls], where)
        if run.outage and "manifest" in where.request_class:
            self.refuse(run.outage, context)
        fault = run.take_fault(side, place, where.request_class, lambda fault: befalls(fault, where, answer))
        if style.hostile_headers:
            answer.headers += POISON
        if fault:
            context.params = fault.params
            fault.kind.apply(context)
            if fault.kind.lies:
                run.note_lie(where, answer)
        head, body = answer.wire()
        steps = context.transport(head, body) if context.transport else [("send", head + body)]
        self.note(run, origin, request, answer, fault)
        return Delivery(steps, answer.closes or answer.framing == "raw" and answer.status not in (204, 304), run,
                        style.pieces, style.pace if len(body) > 16384 else 0)

    def refuse(self, outage, context):
        """The answer of an upstream that has ceased to give a tag."""
        if outage == "reset":
            context.transport = lambda head, body: [("reset",)]
        else:
            status = 404 if outage == "gone" else 503
            context.answer.__dict__.update(error_answer(status, method=context.request.method).__dict__)

    def note(self, run, origin, request, answer, fault):
        extras = "".join(f" {name}={request.headers[name]}" for name in ("range", "if-range", "authorization")
                         if name in request.headers)
        extras = re.sub(r"(Bearer \w{14})\w+", r"\1…", extras)
        name = f"{origin.side}{origin.index}" if origin.role == "endpoint" else origin.role
        result = "raw head" if answer.raw_head is not None else answer.status
        run.note(f"upstream {name}: {request.method} {shorten(request.target)}{extras} -> {result}"
                 f"{' with ' + str(fault) if fault else ''}")

    # --- What is right

    def right_answer(self, origin, request, run, side, place, path, style):
        """Where the request leads, and the answer of an upstream with nothing wrong."""
        steps = re.match(r"/(chain/\d+|cycle\w*)(/v2/.*)$", path)
        kind, path = steps.groups() if steps else (None, path)
        match = REGISTRY_PATH.match(path)
        where = Where(side, place, None, None, ROOT, origin, path)
        if not match:
            answer = Answer(200, [("Content-Type", "application/json")], b"{}")
            if path.rstrip("/") != "/v2":
                return where, error_answer(404, method=request.method)
            if style.auth != "none":
                answer = self.challenge(origin, request)
            return where, answer
        name, what, reference = match.groups()
        where.repository = repository = run.repositories.get((side, name))
        is_head = request.method == "HEAD"
        where.request_class = {"blobs": BLOB_HEAD if is_head else BLOB_GET, "tags": LIST,
                               "manifests": MANIFEST_HEAD if is_head else MANIFEST_GET}[what]
        if repository is None:
            return where, error_answer(404, "NAME_UNKNOWN", request.method)
        if what == "blobs":
            run.blob_requests[side, name, reference] += 1
        if origin.role == "endpoint":
            refusal = self.refusal(origin, request, run, repository, style, path)
            if refusal:
                return where, refusal
            redirect = self.step(origin, request, run, side, kind, path, what, style)
            if redirect:
                return where, redirect
        where.content = self.content(run, repository, what, reference)
        return where, self.whole_answer(request, run, where, what, style)

    def refusal(self, origin, request, run, repository, style, path):
        """The answer of a registry that does not let this request pass."""
        if style.auth != "none" and not self.use_token(origin, request, run):
            return self.challenge(origin, request, f"repository:{repository.name}:pull", at_root=style.auth == "bearer at /v2/")
        if repository.grants == "denied":
            if repository.denial == 401:
                return self.challenge(origin, request, f"repository:{repository.name}:pull")
            return error_answer(repository.denial, "DENIED", request.method)
        if repository.grants == "page":
            return page(request.method, repository.page)
        if request.method == "HEAD" and style.head in ("401", "405"):
            return error_answer(int(style.head), "UNSUPPORTED", "HEAD")
        return None

    def step(self, origin, request, run, side, kind, path, what, style):
        """The redirect of an upstream that keeps its blobs elsewhere, or the next one of a chain."""
        family = self.families[origin.tls]
        location = None
        if kind == "cycle":
            location = "/cycle" + path
        elif kind in ("cycle1", "cycle2"):
            location = f"/cycle{3 - int(kind[-1])}{path}"
        elif kind and kind != "chain/1":
            location = f"/chain/{int(kind[6:]) - 1}{path}"
        elif kind is None and what == "blobs" and style.storage != "none":
            location = f"/chain/1{path}" if style.storage == "own" else family.stored(run, side, path, style.storage)
        if location is None:
            return None
        run.locations.add(location)
        return Answer(307, [("Location", location)], b"", is_head=request.method == "HEAD")

    def content(self, run, repository, what, reference):
        if what == "blobs":
            return run.blobs.get(reference)
        if what == "tags":
            return None
        if ":" in reference:
            manifest = run.manifests.get(reference)
            owned = [version for versions in repository.tags.values() for version in versions]
            return manifest if manifest in owned else None
        return run.tag_manifest(repository, reference)

    def whole_answer(self, request, run, where, what, style):
        if what == "tags":
            return content_answer(request, list_body(where.repository), style, "application/json", None)
        content = where.content
        if content is None:
            code = "BLOB_UNKNOWN" if what == "blobs" else "MANIFEST_UNKNOWN"
            return error_answer(404, code, request.method)
        tag = {"strong": f'"{content.hex[:20]}"', "weak": f'W/"{content.hex[:20]}"', "none": None}[style.etag]
        media_type = "application/octet-stream" if isinstance(content, Blob) else content.media_type
        answer = content_answer(request, content.data, style, media_type, tag)
        if style.names_digest:
            answer.headers.append(("Docker-Content-Digest", content.digest))
        return answer

    # --- Tokens

    def challenge(self, origin, request, scope=None, at_root=False):
        answer = error_answer(401, "UNAUTHORIZED", request.method)
        if not at_root:
            text = f'Bearer realm="{self.families[origin.tls].realm(origin)}",service="soak"'
            answer.headers.append(("WWW-Authenticate", text + (f',scope="{scope}"' if scope else "")))
        return answer

    def use_token(self, origin, request, run):
        token = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if not token or token[0] is not origin or token[1] != run.number:
            return False
        token[2] -= 1
        return token[2] >= 0 or not run.faults_on

    def token_answer(self, origin, request, run):
        parts = request.path.split("/")
        if run is None or len(parts) != 5:
            # A service that an endpoint has named earlier, and a repository of a scenario that is over.
            return Delivery([("send", b"".join(error_answer(404).wire()))])
        endpoint = self.sites[int(parts[2])].origins[parts[3], int(parts[4]), origin.tls]
        uses = run.scenario.styles[endpoint.side].token_uses or 1 << 30
        token = f"{TOKEN_MARK}{run.number}x{secrets.token_hex(8)}"
        self.tokens[token] = [endpoint, run.number, uses]
        body = json.dumps({"token": token, "expires_in": 300}).encode()
        answer = Answer(200, [("Content-Type", "application/json")], body)
        where = Where(endpoint.side, "token", None, None, TOKEN, origin, request.target)
        context = Context(request, answer, run, {}, self.families[origin.tls], where)
        fault = run.take_fault(endpoint.side, "token", TOKEN, lambda fault: True)
        if fault:
            context.params = fault.params
            fault.kind.apply(context)
        head, body = answer.wire()
        self.note(run, origin, request, answer, fault)
        steps = context.transport(head, body) if context.transport else [("send", head + body)]
        return Delivery(steps, answer.closes or answer.framing == "raw", run)

    def forget(self, run):
        """Forgets a scenario that is over."""
        self.runs.pop(run.number, None)
        self.tokens = {token: entry for token, entry in self.tokens.items() if entry[1] != run.number}


def befalls(fault, where, answer):
    repository = where.repository
    if repository is not None and repository.grants != "all" and fault.kind.family not in ("transport", "long"):
        return False
    if fault.kind.family in NEEDS_CONTENT:
        return answer.status in (200, 206) and (where.content is not None or where.request_class == LIST)
    if fault.kind.family == "transport" and "body" in str(fault.params.get("at")):
        return answer.status in (200, 206)
    return True


def list_body(repository):
    return json.dumps({"name": repository.name, "tags": sorted(repository.tags)}).encode()


def shorten(target):
    return re.sub(r"([0-9a-f]{12})[0-9a-f]{20,}", r"\1…", target)[:160]
