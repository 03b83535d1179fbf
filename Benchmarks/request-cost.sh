#!/usr/bin/env bash
# Measures the cost of a cached response: requests per second of a stored blob of 4 KB and of a manifest by digest.
#
# Floor: a C program that sends the same bytes without any decision (floor/responder.c), behind the same nginx. Worker
# and floor run in turn. A line has the median rates of both, and the median of the rounds' ratios: 0.9 means that the
# worker serves 90 % of the floor's requests. Rates depend on the machine; the ratio is the result.
#
# Fails if the ratio of either line is below 0.8.
#
#   make bench                            builds the optimised program, then runs all benchmarks
#   ROUNDS=5 SECONDS_EACH=3 CONNECTIONS=32 Benchmarks/request-cost.sh
#
# All on loopback; takes about ROUNDS * 4 * SECONDS_EACH seconds.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

rounds=${ROUNDS:-5}
duration=${SECONDS_EACH:-3}
connections=${CONNECTIONS:-32}
start_registry 4096 1048576
blob=${digests[0]} manifest=${digests[2]}
ours=$(port) floor=$(port)
configure "$registry"
"$binary" serve --config "$work/worker.yaml" &
processes+=($!)

hex=${blob#sha256:}
curl -sf -o "$work/manifest" -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
  "http://127.0.0.1:$registry/v2/library/app/manifests/$manifest"
cc -O2 -o "$work/responder" "$root/Benchmarks/floor/responder.c" -lfcgi -lpthread
"$work/responder" "$work/floor.sock" 32 "/_regproxy_store/sha256/${hex:0:2}/$hex" "$blob" \
  "$work/manifest" "$manifest" &
processes+=($!)

# One nginx with the template twice, for the worker and for the floor.
mkdir "$work/nginx"
"$binary" nginx-config --config "$work/worker.yaml" --standalone --prefix "$work/nginx" --http "127.0.0.1:$ours" \
  >"$work/standalone.conf"
REGPROXY_LISTEN=$work/floor.sock "$binary" nginx-config --config "$work/worker.yaml" --server \
  --http "127.0.0.1:$floor" >"$work/nginx/floor.conf"
sed "s|^http {|http {\n    include $work/nginx/floor.conf;|; s|access_log .*|access_log off;|" "$work/standalone.conf" \
  >"$work/nginx/nginx.conf"
nginx -p "$work/nginx" -c "$work/nginx/nginx.conf" -e "$work/nginx/start.log" -g 'daemon off;' &
processes+=($!)

paths=("/v2/library/app/blobs/$blob" "/v2/library/app/manifests/$manifest")
names=("cached blob, 4 KB" "manifest by digest")
for base in "http://127.0.0.1:$ours" "http://127.0.0.1:$floor"; do
  await "$base/v2/library/app/manifests/$manifest"
  for path in "${paths[@]}"; do
    # Fills the store, and checks that worker and floor send the content.
    for _ in 1 2; do curl -sf -o "$work/body" "$base$path"; done
    got=sha256:$(sha256sum "$work/body" | cut -d' ' -f1)
    if [ "$got" != "${path##*/}" ]; then
      fail "$base$path has the digest $got"
    fi
  done
done
if [ "$(curl -sI "http://127.0.0.1:$ours${paths[0]}" | tr -d '\r' | awk '/^X-Cache:/ {print $2}')" != HIT ]; then
  fail "the blob is not served from the store"
fi

measure() {
  wrk -t1 -c"$connections" -d"${duration}s" "http://127.0.0.1:$1$2" >"$work/wrk"
  if grep -qE 'Non-2xx|Socket errors' "$work/wrk"; then
    echo "request-cost: failed requests on $1$2:" >&2
    cat "$work/wrk" >&2
    exit 70
  fi
  awk '/^Requests\/sec:/ {print $2}' "$work/wrk"
}

echo "$(nproc) processors, $(nginx -v 2>&1), $connections connections, $rounds rounds of ${duration} s"
status=0
for index in 0 1; do
  : >"$work/ours"
  : >"$work/floor"
  : >"$work/ratios"
  for _ in $(seq "$rounds"); do
    a=$(measure "$ours" "${paths[$index]}")
    b=$(measure "$floor" "${paths[$index]}")
    echo "$a" >>"$work/ours"
    echo "$b" >>"$work/floor"
    awk -v a="$a" -v b="$b" 'BEGIN {printf "%.3f\n", a / b}' >>"$work/ratios"
  done
  ratio=$(median <"$work/ratios")
  printf '%-20s worker %8.0f/s   floor %8.0f/s   ratio %s (rounds: %s)\n' "${names[$index]}" \
    "$(median <"$work/ours")" "$(median <"$work/floor")" "$ratio" "$(paste -sd' ' "$work/ratios")"
  awk -v r="$ratio" 'BEGIN {exit !(r >= 0.8)}' || status=1
done
[ "$status" -eq 0 ] || echo "request-cost: below 0.8 of the floor" >&2
exit "$status"
