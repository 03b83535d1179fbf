#!/usr/bin/env bash
# Measures a large store: the time from start to the first response, requests per second of a stored blob, and eviction
# passes of 10, 50 and 50 % of the blobs.
#
# Floor of the requests: the same worker with a store of one blob, in turn. A ratio of 1 means that the size of the
# store does not matter. The cost of an eviction should depend on the evicted blobs, not on the stored ones: the
# microseconds per evicted blob should be similar in all passes, each of which includes a scan of all blobs.
#
# Fails if the first response took 1 s or more, or the ratio is below 0.9.
#
#   BLOBS=200000 ROUNDS=5 SECONDS_EACH=3 CONNECTIONS=32 Benchmarks/large-store.sh
#
# All on loopback.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

blobs=${BLOBS:-200000}
rounds=${ROUNDS:-5}
duration=${SECONDS_EACH:-3}
connections=${CONNECTIONS:-32}
nowhere=$(port)
large=$work/large
small=$work/small
mkdir "$large" "$small"
read -r digest repository < <(python3 "$root/Benchmarks/many_blobs.py" "$large/store" "$blobs")
python3 "$root/Benchmarks/many_blobs.py" "$small/store" 1 >"$work/one"
read -r one first <"$work/one"

# serve DIRECTORY [LIMITS]: starts a worker and an nginx for a store; sets $served to their ids, $front to the port.
serve() {
  local top=$work
  work=$1
  configure "$nowhere" "${2:-}"
  start_workers 1
  start_nginx
  served=("${workers[@]}" "${processes[-1]}")
  work=$top
}

echo "$(nproc) processors, $blobs blobs"
serve "$large" 'max_size: 1TB'
end "${workers[@]}"
: >"$work/starts"
for _ in $(seq "$rounds"); do
  # The blobs are counted again meanwhile.
  rm -f "$large/store/usage"
  start=$(now)
  work=$large start_workers 1
  until curl -sf -o "$work/body" "http://127.0.0.1:$front/v2/$repository/blobs/$digest"; do :; done
  since "$start" >>"$work/starts"
  echo >>"$work/starts"
  end "${workers[@]}"
done
slowest=$(sort -n "$work/starts" | tail -1)
echo "start to first response: median $(median <"$work/starts") s, most $slowest s"

work=$large start_workers 1
until [ -s "$large/store/usage" ]; do sleep 0.1; done
large_front=$front large_processes=("${workers[@]}" "${served[-1]}")
serve "$small"
measure() {
  wrk -t1 -c"$connections" -d"${duration}s" "http://127.0.0.1:$1$2" >"$work/wrk"
  if grep -qE 'Non-2xx|Socket errors' "$work/wrk"; then fail "requests failed: $(cat "$work/wrk")"; fi
  awk '/^Requests\/sec:/ {print $2}' "$work/wrk"
}
: >"$work/ratios"
for _ in $(seq "$rounds"); do
  a=$(measure "$large_front" "/v2/$repository/blobs/$digest")
  b=$(measure "$front" "/v2/$first/blobs/$one")
  ratio "$a" "$b" >>"$work/ratios"
  echo >>"$work/ratios"
done
hits=$(median <"$work/ratios")
printf 'hits, next to a store of one blob: ratio %s (rounds: %s), last %.0f/s and %.0f/s\n' "$hits" \
  "$(paste -sd' ' "$work/ratios")" "$a" "$b"
end "${large_processes[@]}" "${served[@]}"

# pass SHARE: measures the eviction of a percentage of the store; a file takes a block of 4 KiB.
pass() {
  local before after start seconds
  before=$(find "$large/store/blobs" -type f | wc -l)
  : >"$large/worker.log"
  start=$(now)
  serve "$large" "max_size: $((before * 4096 * (100 - $1) / 90))B"
  until grep -q '"message":"eviction pass"' "$large/worker.log"; do
    holds "$(since "$start") < 120" || fail "no eviction pass in 120 s"
    sleep 0.05
  done
  seconds=$(since "$start")
  after=$(find "$large/store/blobs" -type f | wc -l)
  printf 'eviction of %d of %d blobs: %s s with the scan of all, %.1f us each\n' $((before - after)) "$before" \
    "$seconds" "$(awk -v s="$seconds" -v n=$((before - after)) 'BEGIN {print s / n * 1e6}')"
  end "${served[@]}"
}
pass 10
pass 50
pass 50
holds "$slowest < 1 && $hits >= 0.9" || {
  echo "$name: the first response took 1 s or more, or hits are below 0.9 of those of a store of one blob" >&2
  exit 1
}
