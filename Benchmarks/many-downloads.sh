#!/usr/bin/env bash
# Measures the worker's peak memory and its descriptors while it downloads many different blobs at once, at full speed,
# as in the cold start of a cluster. There is no floor.
#
# Fails if a pull has wrong bytes, a blob was not stored, or the worker took more than LIMIT_MB.
#
#   BLOBS=300 SIZE=8000000 LIMIT_MB=250 Benchmarks/many-downloads.sh
#
# All on loopback.
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
grep -q 'blob not stored\|cannot store blobs' "$work/worker.log" && fail "a blob was not stored"
[ "$right" = "$blobs" ] || fail "$((blobs - right)) of $blobs pulls failed"
[ "$memory" -le "$limit" ] || fail "the worker took more than $limit MB"
