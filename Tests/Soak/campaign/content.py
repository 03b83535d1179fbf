"""Blobs and manifests with their digests."""

import hashlib
import json

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MEDIA_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)

HELD_BACK = 16 * 1024
"""The size in bytes of a blob's tail, which is withheld until its digest is verified."""

RELEASED_EARLY = 64 << 20
"""The size in bytes from which a blob's tail is released before the blob is in the store."""


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


class Blob:
    """Random bytes and their digest."""

    def __init__(self, rng, size, algorithm="sha256"):
        self.size = size
        self.algorithm = algorithm
        self.data = rng.randbytes(size)
        self.digest = digest_of(self.data, algorithm)

    @property
    def hex(self):
        return self.digest.partition(":")[2]

    @property
    def path(self):
        """The path below `blobs/` of the store."""
        return f"{self.algorithm}/{self.hex[:2]}/{self.hex}"

    def __str__(self):
        return f"{self.algorithm}:{self.hex[:12]}… ({self.size} bytes)"


class Manifest:
    """A JSON document that names blobs of its scenario."""

    def __init__(self, rng, blobs, media_type):
        document = {"schemaVersion": 2, "mediaType": media_type, "annotations": {"soak": rng.randbytes(16).hex()}}
        entries = [
            {"mediaType": "application/octet-stream", "size": blob.size, "digest": blob.digest} for blob in blobs
        ]
        if "index" in media_type or "list" in media_type:
            document["manifests"] = entries
        else:
            document |= {"config": entries[0], "layers": entries}
        self.media_type = media_type
        self.algorithm = "sha256"
        self.data = json.dumps(document, indent=rng.choice([None, 3])).encode()
        self.digest = digest_of(self.data)
        self.size = len(self.data)

    @property
    def hex(self):
        return self.digest.partition(":")[2]

    @property
    def path(self):
        return f"{self.algorithm}/{self.hex[:2]}/{self.hex}"

    def __str__(self):
        return f"manifest {self.hex[:12]}… ({self.media_type.rsplit('.', 1)[-1]})"
