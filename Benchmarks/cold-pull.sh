#!/usr/bin/env bash
# Measures the time of a first pull of a large blob through the proxy into a file.
#
# Floor: curl of the same blob from the same upstream into a file, in turn with the proxy. RATES are upstream's speeds
# in bytes per second: 0 is unlimited, 125000000 is 1 Gbit/s. A line has the median seconds of both, and the median of
# the rounds' ratios: 1.05 means that the proxy took 5 % longer. A rate beyond the capacity of the processors, which
# client, nginx, worker and registry share, says nothing about a network; so the unlimited line is for information only.
#
# Fails if the ratio exceeds 1.15 at a limited rate, a pull has wrong bytes, or the blob was not stored.
#
#   SIZE=1000000000 ROUNDS=3 RATES='0 312500000 125000000' Benchmarks/cold-pull.sh
#
# All on loopback.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

size=${SIZE:-1000000000}
rounds=${ROUNDS:-3}
start_registry "$size"
blob=/v2/library/app/blobs/${digests[0]}

# timed URL: downloads the blob into a file, checks the file, and prints the seconds of the download.
timed() {
  local start seconds
  start=$(now)
  curl -sf -o "$work/body" "$1"
  seconds=$(since "$start")
  [ "sha256:$(sha256sum "$work/body" | cut -d' ' -f1)" = "${digests[0]}" ] || fail "$1 has wrong bytes"
  rm "$work/body"
  echo "$seconds"
}

slow=
echo "$(nproc) processors, blob of $size bytes, $rounds rounds"
for rate in ${RATES:-0 312500000 125000000}; do
  upstream=$registry
  if [ "$rate" != 0 ]; then
    start_pace "$rate"
    upstream=$paced pace=${processes[-1]}
  fi
  configure "$upstream"
  : >"$work/ratios"
  : >"$work/direct"
  : >"$work/cold"
  for round in 0 $(seq "$rounds"); do
    forget_store
    start_workers 1
    start_nginx
    front_process=${processes[-1]}
    a=$(timed "http://127.0.0.1:$front$blob")
    b=$(timed "http://127.0.0.1:$upstream$blob")
    grep -q 'blob not stored\|cannot store blobs' "$work/worker.log" && fail "the blob was not stored"
    end "$front_process" "${workers[@]}"
    # The first round is a warm-up.
    [ "$round" != 0 ] || continue
    echo "$a" >>"$work/cold"
    echo "$b" >>"$work/direct"
    ratio "$a" "$b" >>"$work/ratios"
    echo >>"$work/ratios"
  done
  printf 'upstream %-9s cold pull %7.2f s   curl from upstream %7.2f s   ratio %s (rounds: %s)\n' \
    "${rate/#0/free}" "$(median <"$work/cold")" "$(median <"$work/direct")" "$(median <"$work/ratios")" \
    "$(paste -sd' ' "$work/ratios")"
  [ "$rate" = 0 ] || end "$pace"
  [ "$rate" = 0 ] || holds "$(median <"$work/ratios") <= 1.15" || slow+=" $rate"
done
[ -z "$slow" ] || fail "at$slow bytes per second a cold pull took more than 1.15 times as long as curl from upstream"
