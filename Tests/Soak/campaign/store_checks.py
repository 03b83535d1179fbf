"""Checks of the files of the store."""

import hashlib
import json
import os
import re

from .invariants import describe


def check_stored(run, contents, when):
    """Checks that files match the digests in their names."""
    for content in contents:
        path = os.path.join(run.stack.store, "blobs", content.path)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        if data != content.data:
            run.violate("no wrong file in blobs/", f"{content}, {when}: {describe(data, content)}")


def left_in_partial(run, contents, with_records=True):
    """Returns partial files of content that is in the store."""
    left = []
    for content in contents:
        partial = os.path.join(run.stack.store, "partial", content.algorithm, content.hex)
        if os.path.exists(os.path.join(run.stack.store, "blobs", content.path)):
            paths = (partial, partial + ".json") if with_records else (partial,)
            left += [path for path in paths if os.path.exists(path)]
    return left


STORE_FILES = re.compile(
    r"usage|counters|(evictor|collector|admission|requests)\.lock|blobs/sha(256/../[0-9a-f]{64}|512/../[0-9a-f]{128})"
    r"|partial/sha(256/[0-9a-f]{64}|512/[0-9a-f]{128})(\.json)?"
    r"|repositories/.*/_(blobs/sha(256|512)/[0-9a-f]+|manifests/sha(256|512)/[0-9a-f]+\.json"
    r"|tags/(single/)?[^/]+\.json|tags/exact/[^/]+/[0-9a-f]{64}\.json)"
)


UNNAMED = re.compile(r"partial/record-[0-9a-f]+")
"""A record without its final name, left by a killed writer until garbage collection."""


def check_whole_store(stack):
    """Returns the violations in the store of a stopped stack."""
    store = stack.store
    wrong = []
    for directory, _, names in os.walk(store):
        for name in names:
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, store)
            if UNNAMED.fullmatch(relative) and stack.has_ended_any:
                continue
            if not STORE_FILES.fullmatch(relative):
                wrong.append(f"left over: {relative}")
            elif relative.startswith("blobs/"):
                with open(path, "rb") as file:
                    algorithm = relative.split("/")[1]
                    if hashlib.file_digest(file, algorithm).hexdigest() != name:
                        wrong.append(f"no wrong file in blobs/: {relative}")
            elif relative.endswith(".json"):
                wrong += check_record(path, relative)
    return wrong


def check_record(path, relative):
    try:
        with open(path) as file:
            json.load(file)
        return []
    except ValueError:
        return [f"torn record: {relative}"]
