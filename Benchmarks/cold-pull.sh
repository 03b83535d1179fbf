#!/usr/bin/env bash
# How long a first pull of a large blob takes through the proxy, next to curl of the same blob from the same registry, in
# turn, in one run; both end in a file. First as fast as loopback goes, then with a registry at the end of a network.
#
#   SIZE=1000000000 ROUNDS=3 RATES='0 312500000 125000000' Benchmarks/cold-pull.sh
#
# 0 is no limit, 125000000 a gigabit per second; more than two processors carry for all who take part tells nothing of a
# network. All on loopback; it ends by itself.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

size=${SIZE:-1000000000}
rounds=${ROUNDS:-3}
start_registry "$size"
blob=/v2/library/app/blobs/${digests[0]}

# timed URL: how long the blob takes into a file, which has to be right.
timed() {
  local start seconds
  start=$(now)
  curl -sf -o "$work/body" "$1"
  seconds=$(since "$start")
  [ "sha256:$(sha256sum "$work/body" | cut -d' ' -f1)" = "${digests[0]}" ] || fail "$1 is wrong"
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
    grep -q 'blob not kept\|cannot store blobs' "$work/worker.log" && fail "the blob was not kept"
    end "$front_process" "${workers[@]}"
    # The first round warms up.
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
[ -z "$slow" ] || fail "at$slow bytes per second a cold pull took more than 1.15 of the time of curl from upstream"
