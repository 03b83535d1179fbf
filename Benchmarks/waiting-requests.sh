#!/usr/bin/env bash
# Measures hits while many other requests wait: slow readers of one growing blob, then requests of a silent upstream.
#
# Two worker processes, since one has too few descriptors for all readers under the usual limits. Hits are of a blob of
# 4 KB, by wrk. Each kind of waiting has a line: the rate of hits beside it, the rate without it before and after, the
# ratio to their mean, the memory of all workers and what it has grown by for each waiting request, the threads of the
# first worker, and what the waiting clients got.
#
# Fails if a ratio is below 0.9, a client gets a wrong byte or a failure, or a hit fails.
#
#   READERS=10000 WAITING=1000 SECONDS_EACH=3 Benchmarks/waiting-requests.sh
#
# The readers take 1 KB a second each; nginx has smaller buffers than usual, so that all fit into memory (some 5 GB). All
# on loopback.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

readers=${READERS:-10000}
waiting=${WAITING:-1000}
duration=${SECONDS_EACH:-3}
rate=1000
size=4194304
ulimit -n "$(ulimit -Hn)"

start_registry 4096 "$size"
small=${digests[0]} large=${digests[1]}
curl -sf -o "$work/large" "http://127.0.0.1:$registry/v2/library/app/blobs/$large"
cc -O2 -o "$work/slow_readers" "$root/Benchmarks/clients/slow_readers.c"
# The readers come while the blob is growing.
start_pace "${RATE:-200000}"
silent=$(port)
python3 - "$silent" <<'PY' &
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
accepted = []
while True:
    accepted.append(listener.accept())
PY
processes+=($!)
cat >"$work/worker.yaml" <<YAML
listen: $work/worker.sock
log: {file: $work/worker.log, level: warning}
store: {directory: $work/store}
# All clients have one address, and one blob.
requests: {max_share: 100}
upstreams:
  docker.io: {endpoints: ["http://127.0.0.1:$paced"]}
  silent.example: {endpoints: ["http://127.0.0.1:$silent"]}
YAML
start_workers 2

front=$(port)
mkdir -p "$work/nginx"
"$binary" nginx-config --config "$work/worker.yaml" --standalone --prefix "$work/nginx" --http "127.0.0.1:$front" |
  sed "s|access_log .*|access_log off;|; s|worker_connections .*|worker_connections 32768;|; \
       s|fastcgi_buffers .*|fastcgi_buffers 4 32k;|" >"$work/nginx/nginx.conf"
nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e "$work/nginx/start.log" -g 'daemon off;' &
processes+=($!)
await "http://127.0.0.1:$front/_regproxy/healthz"

hit=http://127.0.0.1:$front/v2/library/app/blobs/$small
for _ in 1 2; do curl -sf -o /dev/null "$hit"; done

# hits: prints the median rate of three measurements.
hits() {
  for _ in 1 2 3; do
    wrk -t1 -c32 -d"${duration}s" "$hit" >"$work/wrk"
    if grep -qE 'Non-2xx|Socket errors' "$work/wrk"; then fail "hits failed: $(cat "$work/wrk")"; fi
    awk '/^Requests\/sec:/ {print $2}' "$work/wrk"
  done | median
}

# memory: prints the resident memory of all workers in kilobytes.
memory() {
  local total=0 process
  for process in "${workers[@]}"; do
    total=$((total + $(awk '/^VmRSS:/ {print $2}' "/proc/$process/status")))
  done
  echo "$total"
}

# ticks NAME: prints the processor time of all processes of a name in hundredths of a second.
ticks() {
  local total=0 process
  for process in $(pgrep -x "$1" || true); do
    total=$((total + $(awk '{print $14 + $15}' "/proc/$process/stat")))
  done
  echo "$total"
}

threads() { awk '/^Threads:/ {print $2}' "/proc/${workers[0]}/status"; }

# measure NAME CLIENTS ARGUMENT...: measures hits beside these clients.
measure() {
  local name=$1 count=$2 before beside after had has at_rest
  shift 2
  before=$(hits)
  had=$(memory) at_rest=$(threads)
  coproc CLIENTS { exec "$work/slow_readers" -c "$count" -r "$rate" "$@"; }
  local process=$CLIENTS_PID word line
  local -a ends=("${CLIENTS[0]}" "${CLIENTS[1]}")
  processes+=("$process")
  read -r -t 300 word <&"${ends[0]}" || fail "$name: not all clients are served"
  [ "$word" = ready ] || fail "$name: $word"
  # What the kernel and nginx hold for a client is taken first. In all less than the 20 s after which a silent upstream
  # is given up.
  sleep 4
  local program=${binary##*/} worker_ticks nginx_ticks
  worker_ticks=$(ticks "${program:0:15}") nginx_ticks=$(ticks nginx)
  sleep 2
  worker_ticks=$((($(ticks "${program:0:15}") - worker_ticks) / 2)) nginx_ticks=$((($(ticks nginx) - nginx_ticks) / 2))
  beside=$(hits)
  has=$(memory)
  local threads_at_peak
  threads_at_peak=$(threads)
  eval "exec ${ends[1]}>&-"
  read -r -t 60 line <&"${ends[0]}" || fail "$name: the clients do not end"
  wait "$process" 2>/dev/null || true
  sleep 3
  after=$(hits)
  local mean share
  mean=$(awk -v a="$before" -v b="$after" 'BEGIN {print (a + b) / 2}')
  share=$(ratio "$beside" "$mean")
  printf '%s: workers at %d %% of a processor, nginx at %d %%\n' "$name" "$worker_ticks" "$nginx_ticks"
  printf '%s: hits %.0f/s beside, %.0f and %.0f/s alone, ratio %s   memory %d MB, %.1f KB more each   threads %d, %d at rest   %s\n' \
    "$name" "$beside" "$before" "$after" "$share" $((has / 1000)) \
    "$(awk -v a="$had" -v b="$has" -v n="$count" 'BEGIN {print (b - a) * 1.024 / n}')" "$threads_at_peak" "$at_rest" "$line"
  if [ "$(figure failed "$line")" != 0 ] || [ "$(figure wrong "$line")" != 0 ]; then
    tail -n 5 "$work/nginx/error.log" "$work/worker.log" >&2
    fail "$name: $line"
  fi
  holds "$share >= 0.9" || status=1
}

echo "$(nproc) processors, $(nginx -v 2>&1), medians of three times $duration s"
status=0
measure "$readers readers at $rate bytes/s" "$readers" -f "$work/large" "$front" "/v2/library/app/blobs/$large"
measure "$waiting requests of a silent upstream" "$waiting" "$front" "/silent.example/v2/app/manifests/v%d"
[ "$status" -eq 0 ] || echo "$name: hits below 0.9 of what they are alone" >&2
exit "$status"
