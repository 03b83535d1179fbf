"""The invariants that hold whatever upstreams, clients and the machine do."""

import json
import re

from .answers import parse_range
from .clients import HEAD_BOUND
from .content import Blob, Manifest, digest_of

BLOB_FAILURES = (404, 416, 429, 502, 503, 504)
MANIFEST_FAILURES = (403, 404, 429, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)


def check(run, result):
    """Checks a response against every rule that needs only the response and upstream's bytes."""
    checker = Checker(run, result)
    checker.run_rules()


BLOCK = 4096
"""The number of bytes compared at once: byte by byte, a large blob would stop all other scenarios."""


class Checker:
    def __init__(self, run, result):
        self.run = run
        self.result = result
        self.step = result.step
        self.content = result.step.target
        self.repository = result.step.repository

    def violate(self, rule, text):
        self.run.violate(rule, f"{self.step} -> {self.result}: {text}")

    def run_rules(self):
        result = self.result
        if result.end == "late":
            self.violate("bounded time", "the request did not end")
        if result.head_after is not None and result.head_after - result.head_lag > HEAD_BOUND:
            self.violate("bounded time", f"the head took {result.head_after:.1f} s")
        if result.status == 0:
            if result.end != "left":
                self.violate("an answer for every request", "the connection ended without a response")
            return
        self.check_headers()
        if result.status in (200, 206):
            self.check_permission()
            if isinstance(self.content, Blob):
                self.check_blob()
            elif self.content is None:
                self.check_list()
            else:
                self.check_manifest()
        elif result.status in REDIRECTS:
            self.check_redirect()
        elif result.status != 416:
            self.check_error()
        if self.step.expect and result.end != "left" and result.status not in self.step.expect:
            self.violate("expected status", f"expected one of {self.step.expect}")

    # --- Headers

    def check_headers(self):
        headers = self.result.headers
        if "set-cookie" in headers or "x-soak-poison" in headers or "x-accel-redirect" in headers:
            self.violate("no header of upstream", f"{headers}")
        if "x-request-id" not in headers and self.result.status != 503:
            self.violate("headers", "no X-Request-Id")

    def check_permission(self):
        """Checks that a repository denied by upstream gives no content."""
        repository = self.repository
        if repository.grants == "all" or repository.side in self.run.desynchronized:
            return
        if repository.grants == "denied":
            self.violate("denied content", "upstream denies the repository")
            return
        if self.content is None or repository.page == "empty" and self.content_size == 0:
            return
        # If the content is not stored, HEAD may have the headers of the page.
        reveals = self.step.method == "GET" or self.result.headers.get("content-length") == str(self.content_size)
        if reveals and (self.result.body or self.content_size == 0 or self.step.method == "HEAD"):
            self.violate("denied content", f"upstream sends one {repository.page} page for everything")

    @property
    def content_size(self):
        return getattr(self.content, "size", None)

    def check_error(self):
        result = self.result
        right = BLOB_FAILURES if isinstance(self.content, Blob) else MANIFEST_FAILURES
        if result.status not in right:
            self.violate("status", f"expected one of {right}")
        if self.step.method == "HEAD" or result.end != "complete":
            return
        try:
            json.loads(result.body)["errors"][0]["code"]
        except (ValueError, LookupError, TypeError):
            self.violate("error body", f"{result.body[:100]!r} is not an OCI error")

    def check_redirect(self):
        location = self.result.headers.get("location", "")
        if not any(known == location or known and location.endswith(known) for known in self.run.locations):
            self.violate("redirect", f"upstream has not sent the Location {location[:200]}")

    # --- Blobs

    def check_blob(self):
        result, blob = self.result, self.content
        if result.headers.get("docker-content-digest") != blob.digest:
            self.violate("digest named", f"{result.headers.get('docker-content-digest')}")
        if self.step.method == "HEAD":
            self.check_announced(int(result.headers.get("content-length", -1)))
        elif result.status == 200:
            self.check_whole()
        else:
            self.check_part()

    @property
    def is_hit(self):
        return self.result.cache == "HIT"

    def check_announced(self, size):
        """Checks an announced size, which may be wrong only if upstream's was, and never for a stored blob."""
        told = (self.repository.side, self.content.digest) in self.run.told or self.repository.grants == "page"
        if size != self.content.size and (self.is_hit or not told):
            self.violate("size announced", f"{size} instead of {self.content.size}")

    def check_whole(self):
        result, blob = self.result, self.content
        if result.end == "complete":
            if result.body != blob.data:
                what = "empty" if not result.body else describe(result.body, blob)
                digest = digest_of(result.body, blob.algorithm)[:20]
                self.violate("no complete wrong answer", f"its digest is {digest}…, {what}")
            return
        if "content-length" not in result.headers:
            self.violate("length", "a complete 200 without Content-Length")
        if self.is_hit or not self.may_have_been_sent(0, result.body):
            if result.body != blob.data[: len(result.body)]:
                self.violate("no wrong beginning", describe(result.body, blob))

    def check_part(self):
        result, blob = self.result, self.content
        told = re.match(r"bytes (\d+)-(\d+)/(\d+)$", result.headers.get("content-range", ""))
        if not told or not self.step.range:
            self.violate("part", f"Content-Range {result.headers.get('content-range')}")
            return
        start, end, total = int(told[1]), int(told[2]) + 1, int(told[3])
        wrongly_told = any(digest == blob.digest for _, digest in self.run.told)
        if total != blob.size and (self.is_hit or not wrongly_told):
            self.violate("total announced", f"{total} instead of {blob.size}")
        if self.step.if_range and self.step.if_range != "right":
            self.violate("If-Range", "206 although the validator differs")
        if parse_range(self.step.range, total) != (start, end):
            self.violate("no other part", f"{start}-{end - 1} of {total} for {self.step.range}")
        if len(result.body) > end - start or result.end == "complete" and len(result.body) != end - start:
            self.violate("length of a part", f"{len(result.body)} bytes for {start}-{end - 1}")
        right = result.body == blob.data[start : start + len(result.body)]
        if not right and (self.is_hit or not self.may_have_been_sent(start, result.body)):
            self.violate("no wrong part", describe(result.body, blob, start))

    def may_have_been_sent(self, offset, body):
        """Returns whether each byte is right, or was sent by upstream at its offset."""
        blob = self.content
        versions = self.run.versions.get(blob.digest, ())
        if not versions:
            return body == blob.data[offset : offset + len(body)]
        versions = [(0, blob.data), *versions]
        for begin in range(0, len(body), BLOCK):
            block, place = body[begin : begin + BLOCK], offset + begin
            if any(start <= place and sent[place - start : place - start + len(block)] == block for start, sent in versions):
                continue
            for at, byte in enumerate(block, place):
                if not any(start <= at < start + len(sent) and sent[at - start] == byte for start, sent in versions):
                    return False
        return True

    # --- Documents

    def check_manifest(self):
        result = self.result
        named = result.headers.get("docker-content-digest", "")
        if isinstance(self.content, Manifest) and named != self.content.digest:
            self.violate("digest named", named)
        if self.step.method == "HEAD":
            self.check_manifest_head(named)
            return
        if result.end != "complete":
            return
        if digest_of(result.body, named.partition(":")[0] if named.startswith("sha") else "sha256") != named:
            self.violate("no complete wrong answer", f"the manifest is not {named}")
        versions = self.repository.tags.get(self.content, []) if isinstance(self.content, str) else [self.content]
        if result.body in [version.data for version in versions]:
            return
        if not isinstance(self.content, str) or result.body not in self.run.bodies:
            self.violate("no complete wrong answer", f"not a manifest of this tag: {result.body[:80]!r}")

    def check_manifest_head(self, named):
        known = (
            [self.content.digest]
            if isinstance(self.content, Manifest)
            else [version.digest for version in self.repository.tags.get(self.content, [])]
        )
        lied = {digest_of(body) for body in self.run.bodies} | {"sha256:" + "ab" * 32}
        if named not in known and not (isinstance(self.content, str) and named in lied):
            self.violate("digest named", named)

    def check_list(self):
        result = self.result
        if result.end != "complete" or self.step.method == "HEAD":
            return
        right = json.dumps({"name": self.repository.name, "tags": sorted(self.repository.tags)}).encode()
        if self.run.has_lied_in_list or self.repository.grants == "page":
            known = any(body.startswith(result.body) for body in {right, b'{"status":"ok"}', *self.run.bodies})
        else:
            known = result.body == right
        if not known:
            self.violate("list", f"upstream has not sent {result.body[:100]!r}")
        link = result.headers.get("link")
        if link is None:
            return
        upstream = self.run.site.upstream(self.repository.side)
        path = {
            "path": f"/v2/{upstream}/{self.repository.name}/tags/list",
            "ns": f"/v2/{self.repository.name}/tags/list",
            "prefix": f"/{upstream}/v2/{self.repository.name}/tags/list",
        }[self.step.route]
        if not link.startswith(f"<{path}?"):
            self.violate("next page", f"{link} leads to another list")
        spaces = re.findall(r"[?&]ns=([^&>]*)", link)
        if spaces != ([upstream] if self.step.route == "ns" else []):
            self.violate("next page", f"{link} names another upstream")


def describe(body, blob, start=0):
    """Describes where bytes first differ from the blob's."""
    for begin in range(0, len(body), BLOCK):
        block = body[begin : begin + BLOCK]
        right = blob.data[start + begin : start + begin + len(block)]
        if block == right:
            continue
        for index, byte in enumerate(block):
            if index >= len(right) or right[index] != byte:
                return f"{len(body)} bytes, wrong from byte {start + begin + index} of {blob.size} on"
    return f"{len(body)} bytes of {blob.size}, all right as far as they go"
