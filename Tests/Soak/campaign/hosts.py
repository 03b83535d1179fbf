"""The servers of upstreams: endpoints for each scenario, storage and other hosts for all."""

import time

from .servers import Origin

SIGNATURE_MARK = "soaksignature"
"""The prefix of signatures, by which logs are searched for them."""


class Site:
    """Two upstreams, `a` and `b`, with two endpoints each, used by one scenario at a time.

The upstreams have a name for each configuration; the scenario selects the one that its clients use.
    """

    def __init__(self, number, world, tls):
        self.number = number
        self.run = None
        self.origins = {
            (side, index, context): Origin("endpoint", world.answer, side=side, index=index, site=self, tls=context)
            for side in "ab"
            for index in (0, 1)
            for context in (None, tls)
        }
        self.tls = tls

    @property
    def endpoints(self):
        """The endpoints in use, by side and number."""
        context = self.tls if self.run and self.run.scenario.speaks_tls else None
        return {(side, index): self.origins[side, index, context] for side in "ab" for index in (0, 1)}

    def upstream(self, side, scenario=None):
        scenario = scenario or self.run.scenario
        passes = scenario.passes_redirects and side == "b"
        return self.name(side, scenario.speaks_tls, passes)

    def name(self, side, speaks_tls, passes):
        return f"{side}{self.number}{'t' if speaks_tls else ''}{'p' if passes else ''}.test"

    def upstreams(self):
        """Yields name, endpoints and redirect mode of each configured upstream."""
        for side in "ab":
            for context in (None, self.tls):
                urls = [self.origins[side, index, context].url for index in (0, 1)]
                for passes in (False, True):
                    yield self.name(side, context is not None, passes), urls, "passthrough" if passes else "follow"

    async def open(self, ports):
        for origin in self.origins.values():
            await origin.open(ports)


class Hosts:
    """The servers that all sites share: storage, token services, and forbidden hosts."""

    def __init__(self, world, tls):
        self.tls = tls

        def make(role, host):
            return Origin(role, world.answer, host, tls=tls)

        self.token_origin = make("token", "127.0.0.1")
        self.storage_origin = make("storage", "127.0.0.2")
        self.internal_origin = make("internal", "127.0.0.3")
        self.canaries = {
            name: make("canary", host)
            for name, host in (
                ("unlisted", "127.0.0.4"),
                ("private", "127.0.0.5"),
                ("foreign", "127.0.0.6"),
                ("other port", "127.0.0.1"),
            )
        }
        self.origins = [self.token_origin, self.storage_origin, self.internal_origin, *self.canaries.values()]

    async def open(self, ports):
        for origin in self.origins:
            await origin.open(ports)

    @property
    def foreign(self):
        return self.canaries["foreign"].url

    def realm(self, endpoint):
        return f"{self.token_origin.url}/token/{endpoint.site.number}/{endpoint.side}/{endpoint.index}"

    def stored(self, run, side, path, kind="storage"):
        """Returns a signed URL for the content at a path of an upstream."""
        origin = self.storage_origin if kind == "storage" else self.internal_origin
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        query = f"X-Amz-Date={date}&X-Amz-Expires=600&X-Amz-Signature={SIGNATURE_MARK}{run.number}"
        return f"{origin.url}/get/{run.number}/{side}{path}?{query}"

    def fill(self, text, context):
        """Fills the hosts into the text of a challenge."""
        scheme = "https" if self.tls else "http"
        return (
            text.replace("REALM", self.realm(context.where.origin) if context.where.origin.site else self.foreign)
            .replace("FOREIGN", self.foreign)
            .replace("NEIGHBOUR", self.canaries["other port"].url)
            .replace("SCHEME", scheme)
        )

    def location(self, kind, context):
        """Returns the Location of a kind of redirect, or None."""
        path, side, run = context.where.target, context.where.side, context.run
        own = context.where.origin.url
        if kind.startswith("chain"):
            return f"/chain/{kind.split()[1]}{path}"
        if kind in self.canaries:
            return f"{self.canaries[kind].url}/get/{run.number}/{side}{path}"
        stored = self.stored(run, side, path)
        return {
            "own": f"{own}/chain/1{path}",
            "own relative": f"/chain/1{path}",
            "cycle": f"/cycle{path}",
            "cycle of two": f"/cycle1{path}",
            "storage": stored,
            "internal": self.stored(run, side, path, "internal"),
            "user information": stored.replace("://", "://user:pw@"),
            "ftp": "ftp://127.0.0.2" + path,
            "fragment": stored + "#x",
            "bad bytes": stored + "&x={c}",
            "no Location": None,
            "empty Location": "",
            "long Location": stored + "&x=" + "a" * 20_000,
            "no host": "http:///" + path,
        }[kind]
