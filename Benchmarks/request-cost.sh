#!/usr/bin/env bash
# Measures the cost of a cached response: requests per second of stored blobs and of a manifest by digest.
#
# Floor: a C program that sends the same bytes without any decision (floor/responder.c), behind the same nginx, which
# connects to it for each request and sends its blobs by X-Accel-Redirect. nginx keeps its connections to the worker. All
# run in turn. A line has the median rates of both, and the median of the rounds' ratios: 0.9 means that the worker
# serves 90 % of the floor's requests. Rates depend on the machine; the ratio is the result.
#
#   OTHER=file      also runs this program, such as an older one, behind its own templates
#
# Fails if a ratio is below its bound: 1.8 for the small blob, which the worker sends itself, 1.5 for the manifest, 0.8
# for larger blobs, which nginx sends.
#
#   make bench                            builds the optimised program, then runs all benchmarks
#   ROUNDS=6 SECONDS_EACH=2 CONNECTIONS=32 Benchmarks/request-cost.sh
#
# All on loopback; takes about ROUNDS * 8 * SECONDS_EACH seconds.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

rounds=${ROUNDS:-6}
duration=${SECONDS_EACH:-2}
connections=${CONNECTIONS:-32}
start_registry 4096 1048576 67108864
manifest=${digests[-1]}
configure "$registry"
curl -sf -o "$work/manifest" -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
  "http://127.0.0.1:$registry/v2/library/app/manifests/$manifest"
cc -O2 -o "$work/responder" "$root/Benchmarks/floor/responder.c" -lfcgi -lpthread

# start_front NAME PROGRAM [KEEPALIVE]: starts an nginx with a program's template; sets $port_of[NAME].
declare -A port_of
start_front() {
  local name=$1 program=$2 keepalive=${3-keepalive 32;}
  port_of[$name]=$(port)
  mkdir -p "$work/$name"
  REGPROXY_LISTEN=$work/$name.sock "$program" nginx-config --config "$work/worker.yaml" --standalone \
    --prefix "$work/$name" --http "127.0.0.1:${port_of[$name]}" |
    sed "s|access_log .*|access_log off;|; s|keepalive 32;|$keepalive|" >"$work/$name/nginx.conf"
  nginx -p "$work/$name" -c "$work/$name/nginx.conf" -e "$work/$name/start.log" -g 'daemon off;' &
  processes+=($!)
}

# start_worker NAME PROGRAM: starts a worker, and an nginx before it.
start_worker() {
  REGPROXY_LISTEN=$work/$1.sock "$2" serve --config "$work/worker.yaml" &
  processes+=($!)
  start_front "$1" "$2"
}

"$work/responder" "$work/floor.sock" 32 "$work/manifest" "$manifest" &
processes+=($!)
start_front floor "$binary" ""
start_worker worker "$binary"
if [ -n "${OTHER:-}" ]; then start_worker other "$OTHER"; fi

programs=(worker)
if [ -n "${OTHER:-}" ]; then programs+=(other); fi
programs+=(floor)
paths=()
for digest in "${digests[@]:0:3}"; do paths+=("/v2/library/app/blobs/$digest"); done
paths+=("/v2/library/app/manifests/$manifest")
names=("cached blob, 4 KB" "cached blob, 1 MB" "cached blob, 64 MB" "manifest by digest")
bounds=(1.8 0.8 0.8 1.5)
for program in "${programs[@]}"; do
  base=http://127.0.0.1:${port_of[$program]}
  await "$base/v2/library/app/manifests/$manifest"
  for path in "${paths[@]}"; do
    # Fills the store, and checks that each sends the content.
    for _ in 1 2; do curl -sf -o "$work/body" "$base$path"; done
    got=sha256:$(sha256sum "$work/body" | cut -d' ' -f1)
    [ "$got" = "${path##*/}" ] || fail "$base$path has the digest $got"
  done
done
if [ "$(curl -sI "http://127.0.0.1:${port_of[worker]}${paths[0]}" | tr -d '\r' | awk '/^X-Cache:/ {print $2}')" != HIT ]
then
  fail "the blob is not served from the store"
fi

# measure PROGRAM PATH: prints the rate, and appends it to the program's rates.
measure() {
  wrk -t1 -c"$connections" -d"${duration}s" --timeout 30s "http://127.0.0.1:${port_of[$1]}$2" >"$work/wrk"
  if grep -qE 'Non-2xx|Socket errors' "$work/wrk"; then fail "failed requests: $2 of $1: $(cat "$work/wrk")"; fi
  awk '/^Requests\/sec:/ {print $2}' "$work/wrk" | tee -a "$work/rates.$1"
}

echo "$(nproc) processors, $(nginx -v 2>&1), $connections connections, $rounds rounds of ${duration} s"
status=0
for index in "${!paths[@]}"; do
  rm -f "$work"/rates.* "$work"/ratios.*
  for _ in $(seq "$rounds"); do
    floor=$(measure floor "${paths[$index]}")
    for program in "${programs[@]}"; do
      [ "$program" != floor ] || continue
      rate=$(measure "$program" "${paths[$index]}")
      ratio "$rate" "$floor" >>"$work/ratios.$program"
      echo >>"$work/ratios.$program"
    done
  done
  for program in "${programs[@]}"; do
    [ "$program" != floor ] || continue
    ratio=$(median <"$work/ratios.$program")
    printf '%-20s %s %8.0f/s   floor %8.0f/s   ratio %s (rounds: %s)\n' "${names[$index]}" "$program" \
      "$(median <"$work/rates.$program")" "$(median <"$work/rates.floor")" "$ratio" \
      "$(paste -sd' ' "$work/ratios.$program")"
    if [ "$program" = worker ]; then
      holds "$ratio >= ${bounds[$index]}" || {
        echo "request-cost: ${names[$index]}: below ${bounds[$index]} of the floor" >&2
        status=1
      }
    fi
  done
done
exit "$status"
