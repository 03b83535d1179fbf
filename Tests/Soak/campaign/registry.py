"""Responses of registries without faults."""

import json
import re
from dataclasses import dataclass

from .answers import Answer, content_answer, error_answer
from .content import Blob
from .content_faults import page
from .faults import BLOB_GET, BLOB_HEAD, LIST, MANIFEST_GET, MANIFEST_HEAD, ROOT
from .servers import Origin

REGISTRY_PATH = re.compile(r"/v2/(.+)/(blobs|manifests|tags)/([^/?]+)$")


@dataclass
class Where:
    """The meaning of a request: side, repository and content."""

    side: str
    place: object
    repository: object
    content: object
    request_class: str
    origin: Origin
    target: str


class Registry:
    """The registries of all upstreams; the scenario of a request determines content and style."""

    def __init__(self, families, tokens):
        self.families = families
        self.tokens = tokens

    def right_answer(self, origin, request, run, side, place, path, style):
        """Returns the meaning of a request, and the response of an upstream without faults."""
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
        where.request_class = {
            "blobs": BLOB_HEAD if is_head else BLOB_GET,
            "tags": LIST,
            "manifests": MANIFEST_HEAD if is_head else MANIFEST_GET,
        }[what]
        if repository is None:
            return where, error_answer(404, "NAME_UNKNOWN", request.method)
        where.content = self.content(run, repository, what, reference)
        if what == "blobs":
            run.blob_requests[side, name, reference] += 1
        if origin.role == "endpoint":
            refusal = self.refusal(origin, request, run, repository, style, path)
            if refusal:
                return where, refusal
            redirect = self.step(origin, request, run, side, kind, path, what, style)
            if redirect:
                return where, redirect
        return where, self.whole_answer(request, run, where, what, style)

    def refusal(self, origin, request, run, repository, style, path):
        """Returns the response of a registry that refuses the request, or None."""
        if style.auth != "none" and not self.use_token(origin, request, run):
            return self.challenge(
                origin, request, f"repository:{repository.name}:pull", at_root=style.auth == "bearer at /v2/"
            )
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
        """Returns the redirect of an upstream with separate storage, or the next one of a chain, or None."""
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


def list_body(repository):
    return json.dumps({"name": repository.name, "tags": sorted(repository.tags)}).encode()
