# shellcheck shell=bash
# Functions of all benchmarks, to be sourced. Creates a directory, and removes it at the end with all started processes.
#
#   REGPROXY_BIN=file    measures this program instead of building one
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=$(basename "$0" .sh)
PATH=$PATH:/usr/sbin

if [ -n "${REGPROXY_BIN:-}" ]; then
  binary=$REGPROXY_BIN
else
  binary=$("$root/scripts/build")
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/regproxy-bench.XXXXXX")
processes=()

# end PROCESS...: ends processes by their ids, and waits for them.
end() {
  for process in "$@"; do kill "$process" 2>/dev/null || true; done
  for process in "$@"; do
    wait "$process" 2>/dev/null || true
    # Some are not children of this shell.
    while kill -0 "$process" 2>/dev/null; do sleep 0.05; done
  done
}
# shellcheck disable=SC2317 # called by the trap
clean() {
  end "${processes[@]}"
  rm -rf "$work"
}
trap clean EXIT

fail() {
  echo "$name: $*" >&2
  exit 70
}

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

await() {
  for _ in $(seq 100); do
    if curl -sf -o /dev/null "$1"; then return; fi
    sleep 0.1
  done
  fail "$1 did not come up"
}

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# ratio A B: prints A / B with three digits.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", a / b}'; }

# holds EXPRESSION: succeeds if a comparison of numbers is true.
holds() { awk "BEGIN {exit !($1)}"; }

now() { date +%s.%N; }

since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.3f", b - a}'; }

# start_registry SIZE...: starts Debian's registry on port $registry with an image library/app:latest of layers of these
# sizes; sets $digests to the digests of the layers and of the manifest.
start_registry() {
  registry=$(port)
  mapfile -t digests < <(python3 "$root/Benchmarks/image.py" "$work/image" "$@")
  [ "${#digests[@]}" -gt $# ] || fail "no image was made"
  cat >"$work/registry.yml" <<YAML
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: 127.0.0.1:$registry}
YAML
  docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
  processes+=($!)
  await "http://127.0.0.1:$registry/v2/"
  skopeo copy -q --preserve-digests --dest-tls-verify=false "oci:$work/image:latest" \
    "docker://127.0.0.1:$registry/library/app:latest"
  rm -rf "$work/image"
}

# start_pace BYTES-PER-SECOND: starts a relay to the registry on port $paced that limits the speed of each connection.
start_pace() {
  paced=$(port)
  cc -O2 -o "$work/pace" "$root/Benchmarks/clients/pace.c" -lpthread
  "$work/pace" "$paced" "$registry" "$1" "$work/sent" &
  processes+=($!)
  await "http://127.0.0.1:$paced/v2/"
}

# sent: prints the number of bytes that the relay has sent.
sent() { od -A n -t d8 "$work/sent" | tr -d ' '; }

# configure UPSTREAM-PORT [STORE-LIMITS]: writes the worker's configuration.
configure() {
  cat >"$work/worker.yaml" <<YAML
listen: $work/worker.sock
log: {file: $work/worker.log}
store: {directory: $work/store${2:+, $2}}
upstreams:
  docker.io: {endpoints: ["http://127.0.0.1:$1"]}
YAML
}

# start_workers COUNT: starts worker processes on one socket; sets $workers to their ids.
start_workers() {
  rm -f "$work/worker.sock" "$work/workers.pid"
  spawn-fcgi -s "$work/worker.sock" -M 0666 -b 1024 -F "$1" -P "$work/workers.pid" -- \
    "$binary" serve --config "$work/worker.yaml" >"$work/spawn.log"
  mapfile -t workers < <(tr -s '\0\n ' '\n' <"$work/workers.pid" | grep .)
  processes+=("${workers[@]}")
}

# start_nginx: starts nginx with the standalone template on port $front.
start_nginx() {
  front=$(port)
  mkdir -p "$work/nginx"
  "$binary" nginx-config --config "$work/worker.yaml" --standalone --prefix "$work/nginx" --http "127.0.0.1:$front" |
    sed "s|access_log .*|access_log off;|" >"$work/nginx/nginx.conf"
  nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e "$work/nginx/start.log" -g 'daemon off;' &
  processes+=($!)
  await "http://127.0.0.1:$front/_regproxy/healthz"
}

# forget_store: empties the store; no worker may be running.
forget_store() { rm -rf "$work/store"; }

# make_pullers: builds the clients, which verify every digest.
make_pullers() { cc -O2 -o "$work/pullers" "$root/Benchmarks/clients/pullers.c" -lcrypto -lpthread; }

# figure NAME LINE: prints a figure from the line of the pullers.
figure() { tr ' ' '\n' <<<"$2" | sed -n "s/^$1=//p"; }

# peak PROCESS: prints the peak resident memory of a process in MB.
peak() { awk '/^VmHWM:/ {printf "%.0f", $2 / 1000}' "/proc/$1/status"; }
