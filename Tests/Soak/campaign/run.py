"""The state of a running scenario: remaining faults, requests, and violations."""

import asyncio
import time
from collections import Counter


class Run:
    """A running scenario, in which servers and clients record events."""

    def __init__(self, scenario, site, stack):
        self.scenario = scenario
        self.site = site
        self.stack = stack
        self.number = scenario.number
        self.start = time.monotonic()
        self.blobs = {blob.digest: blob for blob in scenario.blobs}
        self.manifests = {manifest.digest: manifest for manifest in scenario.manifests}
        self.repositories = {(repo.side, repo.name): repo for repo in scenario.repositories}
        self.left = {place: [[fault, fault.times] for fault in faults] for place, faults in scenario.faults.items()}
        self.tag_version = Counter()
        self.faults_on = True
        self.outage = None
        """The way in which manifests are refused from now on."""
        self.deaths = []
        """Workers that ended by themselves while the scenario ran."""
        self.ended = asyncio.Event()
        self.requests = []
        """Lines about the requests to upstream and other events."""
        self.blob_requests = Counter()
        """(side, repository, digest) to the number of requests."""
        self.versions = {}
        """Digest to the wrong (offset, bytes) that were sent."""
        self.desynchronized = set()
        """Sides that sent a second response, which may be taken for the response to the next request."""
        self.told = set()
        """(side, digest) whose sizes or proofs may have been wrong."""
        self.bodies = set()
        """Wrong bodies sent as manifest or list."""
        self.has_lied_in_list = False
        self.locations = set()
        """Locations that upstream has sent."""
        self.injected = Counter()
        self.statuses = Counter()
        self.results = []
        self.violations = []
        self.tried_heals = 0
        self.removed_at = 0.0
        self.heal_seconds = 0.0

    def elapsed(self):
        return time.monotonic() - self.start

    def violate(self, rule, text):
        entry = f"{rule}: {text}"
        if entry not in self.violations:
            self.violations.append(entry)
            self.requests.append(f"{self.elapsed():7.3f}  VIOLATION {entry}")

    def note(self, text):
        self.requests.append(f"{self.elapsed():7.3f}  {text}")

    def take_fault(self, side, place, request_class, applies):
        """Returns the fault for this request, or None, and uses it up."""
        if not self.faults_on:
            return None
        for entry in self.left.get((side, place), ()):
            fault, left = entry
            if request_class not in fault.on or (fault.times and left == 0) or not applies(fault):
                continue
            entry[1] -= 1
            self.injected[fault.name] += 1
            return fault
        return None

    def tag_manifest(self, repository, tag):
        versions = repository.tags.get(tag)
        if not versions:
            return None
        return versions[min(self.tag_version[repository.side, repository.name, tag], len(versions) - 1)]

    def move_tags(self):
        """Moves each tag to its next version."""
        for repository in self.scenario.repositories:
            for tag in repository.tags:
                self.tag_version[repository.side, repository.name, tag] += 1

    def note_location(self, location, context):
        self.locations.add(location)

    def note_lie(self, where, answer):
        """Records the lies of a response, because clients may see them."""
        content = where.content
        body = answer.body if answer.seen is None else answer.seen
        if content is None or where.repository is None:
            self.bodies.add(body)
            self.has_lied_in_list = True
            return
        self.told.add((where.side, content.digest))
        self.bodies.add(body)
        offset = 0
        told = answer.get("Content-Range") or ""
        if answer.status == 206 and told.startswith("bytes ") and told[6:].partition("-")[0].isdigit():
            offset = int(told[6:].partition("-")[0])
        self.versions.setdefault(content.digest, []).append((offset, body + answer.suffix))
        if answer.prefix or answer.raw_head is not None:
            self.versions[content.digest].append((0, b"abc" + body))
            self.versions[content.digest].append((0, b"abc"))
        if b"HTTP/1.1 200" in answer.prefix + answer.suffix:
            self.desynchronized.add(where.side)
            for other in self.scenario.blobs:
                self.told.add((where.side, other.digest))
                self.versions.setdefault(other.digest, []).append((offset, body))
