"""Creates a store of many small blobs, linked in repositories of a thousand each, last used an hour ago.

usage: many_blobs.py STORE COUNT
Prints the digest and the repository of the last blob.
"""

import hashlib
import os
import sys
import time

store, count = sys.argv[1], int(sys.argv[2])
modified = 1_000_000_000
used = time.time() - 3600
blobs = os.path.join(store, "blobs", "sha256")
for number in range(256):
    os.makedirs(os.path.join(blobs, f"{number:02x}"), exist_ok=True)
for number in range(count):
    data = b"blob %d\n" % number
    digest = hashlib.sha256(data).hexdigest()
    path = os.path.join(blobs, digest[:2], digest)
    with open(path, "wb") as file:
        file.write(data)
    # Each a little later than the one before, so that the order of eviction is known.
    os.utime(path, (used + number / count, modified))
    repository = f"library/app{number // 1000}"
    links = os.path.join(store, "repositories", "docker.io", repository, "_blobs", "sha256")
    if number % 1000 == 0:
        os.makedirs(links)
    open(os.path.join(links, digest), "wb").close()
print("sha256:" + digest, repository)
