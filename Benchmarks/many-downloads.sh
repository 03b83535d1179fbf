#!/usr/bin/env bash
# What memory and descriptors as many downloads of different blobs take, all at once and as fast as they come, as when a cluster
# starts cold.
#
#   BLOBS=300 SIZE=8000000 LIMIT_MB=250 Benchmarks/many-downloads.sh
#
# All on loopback; it ends by itself.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

blobs=${BLOBS:-300}
size=${SIZE:-8000000}
limit=${LIMIT_MB:-250}

# Different sizes make different blobs.
mapfile -t sizes < <(seq "$size" $((size + blobs - 1)))
start_registry "${sizes[@]}"
configure "$registry"
start_workers 1
start_nginx

# shellcheck disable=SC2016 # expanded by the shell of each client
pull='digest=$(curl -sf "$1$2" | sha256sum); [ "sha256:${digest%% *}" = "$2" ] && echo right'
start=$(now)
right=$(printf '%s\n' "${digests[@]:0:blobs}" |
  xargs -P "$blobs" -I{} sh -c "$pull" sh "http://127.0.0.1:$front/v2/library/app/blobs/" {} | grep -c right)
seconds=$(since "$start")
memory=$(peak "${workers[0]}")
printf '%d downloads of %d bytes at once: %d right in %.1f s   worker memory %d MB at most   descriptors at the end %d\n' \
  "$blobs" "$size" "$right" "$seconds" "$memory" "$(find "/proc/${workers[0]}/fd" -type l | wc -l)"
grep -q 'blob not kept\|cannot store blobs' "$work/worker.log" && fail "a blob was not kept"
[ "$right" = "$blobs" ] || fail "not all were right"
[ "$memory" -le "$limit" ] || fail "the worker took more than $limit MB"
