# shellcheck shell=bash
# What all measurements share; sourced. Makes a directory that goes at the end, with all processes that were started.
#
#   REGPROXY_BIN=file    measures a program that is built already
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

# Ends what was started, by its number.
end() {
  for process in "$@"; do kill "$process" 2>/dev/null || true; done
  for process in "$@"; do
    wait "$process" 2>/dev/null || true
    # Not all are children of this shell.
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

# ratio A B: with three digits.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", a / b}'; }

# holds EXPRESSION: whether a comparison of numbers is true.
holds() { awk "BEGIN {exit !($1)}"; }

now() { date +%s.%N; }

since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.3f", b - a}'; }

# start_registry SIZE...: Debian's registry on $registry with library/app:latest of layers of these sizes; their digests, and
# that of the manifest, come into $digests.
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

# start_pace BYTES-PER-SECOND: the registry as a network of that speed would bring it, for each connection, on $paced.
start_pace() {
  paced=$(port)
  cc -O2 -o "$work/pace" "$root/Benchmarks/clients/pace.c" -lpthread
  "$work/pace" "$paced" "$registry" "$1" "$work/sent" &
  processes+=($!)
  await "http://127.0.0.1:$paced/v2/"
}

# sent: how many bytes the paced registry has sent.
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

# start_workers COUNT: so many processes on one socket; their numbers come into $workers.
start_workers() {
  rm -f "$work/worker.sock" "$work/workers.pid"
  spawn-fcgi -s "$work/worker.sock" -M 0666 -b 1024 -F "$1" -P "$work/workers.pid" -- \
    "$binary" serve --config "$work/worker.yaml" >"$work/spawn.log"
  mapfile -t workers < <(tr -s '\0\n ' '\n' <"$work/workers.pid" | grep .)
  processes+=("${workers[@]}")
}

# start_nginx: the standalone template on $front.
start_nginx() {
  front=$(port)
  mkdir -p "$work/nginx"
  "$binary" nginx-config --config "$work/worker.yaml" --standalone --prefix "$work/nginx" --http "127.0.0.1:$front" |
    sed "s|access_log .*|access_log off;|" >"$work/nginx/nginx.conf"
  nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e "$work/nginx/start.log" -g 'daemon off;' &
  processes+=($!)
  await "http://127.0.0.1:$front/_regproxy/healthz"
}

# forget_store: as if nothing had ever been pulled; no worker may be running.
forget_store() { rm -rf "$work/store"; }

# make_pullers: builds the clients, which check what they get.
make_pullers() { cc -O2 -o "$work/pullers" "$root/Benchmarks/clients/pullers.c" -lcrypto -lpthread; }

# figure NAME LINE: a figure of a line that pullers printed.
figure() { tr ' ' '\n' <<<"$2" | sed -n "s/^$1=//p"; }

# peak PROCESS: the most memory it has had, in MB.
peak() { awk '/^VmHWM:/ {printf "%.0f", $2 / 1000}' "/proc/$1/status"; }
