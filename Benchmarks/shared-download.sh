#!/usr/bin/env bash
# Measures many clients that pull one cold blob at once through several worker processes: upstream's bytes, the latest
# first byte, the workers' peak memory, and the time.
#
# Floors: a single client at the same upstream speed; and the same clients on the stored blob, which nginx sends as a
# file. The latter is the least time in which this machine can carry and hash the blob CLIENTS times. RATES are
# upstream's speeds in bytes per second. "upstream sent 1.000 of the blob" means that the blob was downloaded once.
#
# Fails if a pull fails, upstream sent more than 1.01 of the blob, a first byte took more than 1 s, a worker reached 250
# MB, or all clients took more than 1.2 times as long as one; the last only where nginx alone is faster than one client.
#
#   CLIENTS=200 SIZE=268435456 WORKERS=4 RATES='30000000 4000000' Benchmarks/shared-download.sh
#
# All on loopback.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

clients=${CLIENTS:-200}
size=${SIZE:-268435456}
count=${WORKERS:-4}
start_registry "$size"
digest=${digests[0]}
blob=/v2/library/app/blobs/$digest
make_pullers

echo "$(nproc) processors, blob of $size bytes, $clients clients, $count worker processes"
status=0
for rate in ${RATES:-30000000 4000000}; do
  start_pace "$rate"
  pace=${processes[-1]}
  configure "$paced"
  for of in 1 "$clients"; do
    forget_store
    start_workers "$count"
    start_nginx
    front_process=${processes[-1]}
    before=$(sent)
    line=$("$work/pullers" -c "$of" "$front" "$blob") || fail "pulls failed: $line"
    seconds=$(figure seconds "$line")
    if [ "$of" = 1 ]; then single=$seconds; fi
    total=$(($(sent) - before))
    memory=0
    for worker in "${workers[@]}"; do
      mine=$(peak "$worker")
      [ "$mine" -le "$memory" ] || memory=$mine
    done
    times=$(ratio "$total" "$size")
    slower=$(ratio "$seconds" "$single")
    printf 'upstream %-8s clients %4d   right %d   %6.2f s (%s of one client)   upstream sent %s of the blob   first byte %s ms at most   worker memory %s MB at most\n' \
      "$rate" "$of" "$(figure pulls "$line")" "$seconds" "$slower" "$times" "$(figure first_most "$line")" "$memory"
    holds "$times <= 1.01 && $(figure first_most "$line") <= 1000 && $memory < 250" || status=1
    if [ "$of" != 1 ]; then
      line=$("$work/pullers" -c "$of" "$front" "$blob") || fail "pulls failed: $line"
      floor=$(figure seconds "$line")
      printf 'upstream %-8s clients %4d   as a file of nginx %6.2f s   ratio to it %s\n' "$rate" "$of" "$floor" \
        "$(ratio "$seconds" "$floor")"
      # If nginx alone cannot carry the clients in that time, the time says nothing about the proxy.
      if holds "$floor < $single"; then holds "$slower <= 1.2" || status=1; fi
    fi
    end "$front_process" "${workers[@]}"
  done
  end "$pace"
done
[ "$status" -eq 0 ] || echo "$name: upstream sent more than 1.01 of the blob, a first byte took more than 1 s, a worker reached 250 MB, or all clients took more than 1.2 times as long as one" >&2
exit "$status"
