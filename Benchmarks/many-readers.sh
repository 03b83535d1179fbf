#!/usr/bin/env bash
# Measures a thousand slow clients that join a growing blob within a second, and the latency of a manifest meanwhile.
#
# The line has the pulls with the right digest and their time, upstream's bytes as a share of the blob (1.000:
# downloaded once), the median and the longest time of a manifest, and the worker's peak memory. There is no floor.
#
# Fails if a pull fails, or a manifest fails or takes 100 ms or more.
#
#   CLIENTS=1000 SIZE=8388608 RATE=200000 Benchmarks/many-readers.sh
#
# RATE is in bytes per second. All on loopback.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

clients=${CLIENTS:-1000}
size=${SIZE:-8388608}
rate=${RATE:-200000}
start_registry "$size"
digest=${digests[0]}
make_pullers
# As slow as the clients, so that all of them read the growing blob.
start_pace "$rate"
configure "$paced"
start_workers 1
start_nginx
manifest=http://127.0.0.1:$front/v2/library/app/manifests/latest
curl -sf -o "$work/manifest" "$manifest"

"$work/pullers" -c "$clients" -b 1 -r "$rate" "$front" "/v2/library/app/blobs/$digest" >"$work/line" &
pullers=$!
: >"$work/times"
while kill -0 "$pullers" 2>/dev/null; do
  curl -sf -o "$work/manifest" -w '%{time_total}\n' "$manifest" >>"$work/times" || fail "a manifest request failed"
  sleep 0.1
done
wait "$pullers" || fail "pulls failed: $(cat "$work/line")"
line=$(cat "$work/line")
most=$(sort -n "$work/times" | tail -1)
printf '%s clients at %s bytes/s: %d right in %s s   upstream sent %s of the blob   %d manifests meanwhile: median %s s, most %s s   worker memory %s MB\n' \
  "$clients" "$rate" "$(figure pulls "$line")" "$(figure seconds "$line")" "$(ratio "$(sent)" "$size")" \
  "$(wc -l <"$work/times")" "$(median <"$work/times")" "$most" "$(peak "${workers[0]}")"
holds "$most < 0.1" || {
  echo "$name: a manifest took 100 ms or more" >&2
  exit 1
}
