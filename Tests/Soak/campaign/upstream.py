"""The upstreams of all scenarios: registries, their storage and token services, and forbidden hosts."""

import json
import re
import secrets
import urllib.parse

from .answers import Answer, error_answer
from .faults import LIST, TOKEN, Context
from .more_faults import POISON
from .hosts import Hosts, Site
from .registry import Registry, Where
from .servers import Delivery, PortRange

TOKEN_MARK = "soaktoken"
"""The prefix of tokens, by which logs are searched for them."""

NUMBER = re.compile(r"s(\d+)/")

NEEDS_CONTENT = ("content", "length", "range", "list")
"""Families of faults that change content: responses without content do not use them up."""


class World:
    """All servers, with a record of their requests."""

    def __init__(self):
        self.ports = PortRange()
        self.sites = []
        self.runs = {}
        self.tokens = {}
        """Token to (its origin, number of the scenario, remaining uses)."""
        self.violations = []
        self.families = {}
        self.registry = Registry(self.families, self.tokens)

    async def open(self, tls):
        """Opens the servers that all sites share, for plain HTTP and, with a context, for TLS."""
        for context in {None, tls}:
            self.families[context] = Hosts(self, context)
            await self.families[context].open(self.ports)

    async def add_site(self, tls):
        site = Site(len(self.sites), self, tls)
        self.sites.append(site)
        await site.open(self.ports)
        return site

    def realms(self):
        """Returns the token services, which have other ports than the endpoints."""
        return [f'"{family.token_origin.url.split("//")[1]}"' for family in self.families.values()]

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
            self.report(run, "credential", f"a Cookie was sent to {origin.url}{request.target}")
        credential = request.headers.get("authorization")
        if credential is None:
            return
        token = self.tokens.get(credential.removeprefix("Bearer "))
        issued_for = token and token[0]
        if origin.role != "endpoint" or issued_for is not origin:
            owner = f"the token of {issued_for.url}" if issued_for else f"'{credential[:30]}'"
            self.report(run, "credential", f"{owner} was sent to {origin.role} {origin.url}{request.target}")

    def registry_answer(self, origin, request, run):
        side, place, path = origin.side, origin.index, request.path
        if origin.role in ("storage", "internal"):
            if not path.startswith("/get/"):
                return Delivery([("send", b"".join(error_answer(404, method=request.method).wire()))])
            _, _, _, side, path = path.split("/", 4)
            place, path = "storage", "/" + path
        style = run.scenario.styles[side]
        where, answer = self.registry.right_answer(origin, request, run, side, place, path, style)
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
        return Delivery(
            steps,
            answer.closes or answer.framing == "raw" and answer.status not in (204, 304),
            run,
            style.pieces,
            style.pace if len(body) > 16384 else 0,
        )

    def refuse(self, outage, context):
        """Replaces the response by that of an upstream that no longer has a tag."""
        if outage == "reset":
            context.transport = lambda head, body: [("reset",)]
        else:
            status = 404 if outage == "gone" else 503
            context.answer.__dict__.update(error_answer(status, method=context.request.method).__dict__)

    def note(self, run, origin, request, answer, fault):
        extras = "".join(
            f" {name}={request.headers[name]}"
            for name in ("range", "if-range", "authorization")
            if name in request.headers
        )
        extras = re.sub(r"(Bearer \w{14})\w+", r"\1…", extras)
        name = f"{origin.side}{origin.index}" if origin.role == "endpoint" else origin.role
        result = "raw head" if answer.raw_head is not None else answer.status
        run.note(
            f"upstream {name}: {request.method} {shorten(request.target)}{extras} -> {result}"
            f"{' with ' + str(fault) if fault else ''}"
        )

    # --- Tokens

    def token_answer(self, origin, request, run):
        parts = request.path.split("/")
        if run is None or len(parts) != 5:
            # A service that an endpoint named earlier, or a repository of a finished scenario.
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
        """Forgets a finished scenario, but not the origins of its tokens: a download may still use them."""
        self.runs.pop(run.number, None)


def befalls(fault, where, answer):
    repository = where.repository
    if repository is not None and repository.grants != "all" and fault.kind.family not in ("transport", "long"):
        return False
    if fault.kind.family in NEEDS_CONTENT:
        return answer.status in (200, 206) and (where.content is not None or where.request_class == LIST)
    if fault.kind.family == "transport" and "body" in str(fault.params.get("at")):
        return answer.status in (200, 206)
    return True


def shorten(target):
    return re.sub(r"([0-9a-f]{12})[0-9a-f]{20,}", r"\1…", target)[:160]
