#!/usr/bin/env bash
# Measures a store at its limit under load: clients pull ten times its size while it evicts all the time.
#
# The line has the pulls and the failed ones, the evicted blobs, the largest size of the store and by how many blobs it
# exceeded the limit, and the counted next to the actual size at the end. There is no floor.
#
# Fails if a pull fails, the store exceeds its limit by more than one blob per client, no more than BLOBS blobs are
# evicted, or the count is wrong at the end.
#
#   SECONDS_EACH=60 PULLERS=4 BLOBS=640 BLOB_SIZE=1048576 CLOCK=100 Benchmarks/eviction.sh
#
# A blob served in the last three minutes is not evicted, so the workers' clock runs CLOCK times as fast. All on
# loopback.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

duration=${SECONDS_EACH:-60}
pullers=${PULLERS:-4}
blobs=${BLOBS:-640}
size=${BLOB_SIZE:-1048576}
limit=$((blobs * size / 10))
mapfile -t sizes < <(for _ in $(seq "$blobs"); do echo "$size"; done)
start_registry "${sizes[@]}"
make_pullers
configure "$registry" "max_size: ${limit}B"
cc -O2 -shared -fPIC -o "$work/fast_clock.so" "$root/Benchmarks/clients/fast_clock.c"
export CLOCK_FACTOR=${CLOCK:-100}
LD_PRELOAD=$work/fast_clock.so start_workers 2
start_nginx

# taken: prints the disk usage of all blobs in bytes.
taken() { find "$work/store/blobs" -type f -printf '%s\n' 2>/dev/null | awk '{n += int(($1 + 4095) / 4096) * 4096} END {print n + 0}'; }
metric() { curl -sf "http://127.0.0.1:$front/_regproxy/metrics" | awk -v n="$1" '$1 == n {print $2}'; }

# watch: records the largest disk usage.
watch() {
  local most=0 now
  while :; do
    now=$(taken)
    [ "$now" -le "$most" ] || most=$now
    echo "$most" >"$work/most"
    sleep 0.05
  done
}
watch &
watcher=$!
processes+=("$watcher")
mapfile -t paths < <(printf '/v2/library/app/blobs/%s\n' "${digests[@]:0:blobs}")
line=$("$work/pullers" -c "$pullers" -d "$duration" "$front" "${paths[@]}") || fail "pulls failed: $line"
end "$watcher"

# The workers' count has to reach the actual size.
for _ in $(seq 20); do
  counted=$(metric regproxy_store_bytes)
  found=$(taken)
  [ "$counted" != "$found" ] || break
  sleep 0.5
done
most=$(cat "$work/most")
evicted=$(grep -o '"store.evicted_blobs":"[0-9]*"' "$work/worker.log" | tr -dc '0-9\n' | awk '{n += $1} END {print n + 0}')
not_stored=$(grep -c 'cannot store blobs' "$work/worker.log" || true)
over=$(awk -v m="$most" -v l="$limit" -v s="$size" 'BEGIN {printf "%.2f", (m - l) / s}')
printf '%s pullers, %s s, limit %s MB, blobs of %s MB in all: %d pulls, %d failed, %d blobs evicted, store %.1f MB at most (%s blobs above the limit), counted %.1f MB of %.1f, not stored: %s lines\n' \
  "$pullers" "$duration" "$((limit / 1000000))" "$((blobs * size / 1000000))" "$(figure pulls "$line")" \
  "$(figure failed "$line")" "$evicted" "$(awk -v m="$most" 'BEGIN {print m / 1e6}')" "$over" \
  "$(awk -v m="$counted" 'BEGIN {print m / 1e6}')" "$(awk -v m="$found" 'BEGIN {print m / 1e6}')" "$not_stored"
[ "$counted" = "$found" ] || fail "the count is $counted bytes, but the blobs take $found"
holds "$over <= $pullers && $evicted > $blobs" || {
  echo "$name: the store exceeded its limit by more than a blob per client, or evicted too few" >&2
  exit 1
}
