"""Writes an OCI image layout with a layer of each size; the bytes are the same in every run.

usage: image.py DIRECTORY SIZE...
Prints the digests of the layers and of the manifest, one a line.
Layout: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

import hashlib
import json
import os
import random
import sys

directory, sizes = sys.argv[1], [int(size) for size in sys.argv[2:]]
blobs = os.path.join(directory, "blobs", "sha256")
os.makedirs(blobs, exist_ok=True)


def keep(chunks, media_type):
    digest, size = hashlib.sha256(), 0
    temporary = os.path.join(blobs, "temporary")
    with open(temporary, "wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            size += file.write(chunk)
    os.rename(temporary, os.path.join(blobs, digest.hexdigest()))
    return {"mediaType": media_type, "digest": "sha256:" + digest.hexdigest(), "size": size}


def put(data, media_type):
    return keep([data], media_type)


def random_bytes(size):
    while size > 0:
        chunk = source.randbytes(min(size, 1 << 20))
        size -= len(chunk)
        yield chunk


source = random.Random(1)
layers = [keep(random_bytes(size), "application/vnd.oci.image.layer.v1.tar") for size in sizes]
config = {
    "architecture": "amd64",
    "os": "linux",
    "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
}
descriptor = put(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
manifest_type = "application/vnd.oci.image.manifest.v1+json"
manifest = {"schemaVersion": 2, "mediaType": manifest_type, "config": descriptor, "layers": layers}
descriptor = put(json.dumps(manifest, indent=2).encode(), manifest_type)
descriptor["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
with open(os.path.join(directory, "index.json"), "w") as file:
    json.dump({"schemaVersion": 2, "manifests": [descriptor]}, file)
with open(os.path.join(directory, "oci-layout"), "w") as file:
    json.dump({"imageLayoutVersion": "1.0.0"}, file)
for item in layers + [descriptor]:
    print(item["digest"])
