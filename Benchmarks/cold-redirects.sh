#!/usr/bin/env bash
# Measures the redirects per second of blobs that nobody has asked for before: each request goes to upstream, which redirects
# it to storage, and the client gets that redirect. Next to it, in turn: the same redirect from the worker's cache, and
# upstream asked directly, the floor.
#
#   ROUNDS=5 SECONDS_EACH=3 CONNECTIONS=32 WORKERS=1 Benchmarks/cold-redirects.sh
#
# Fails if a response is not a redirect, or if files are left in the store's partial directory. All on loopback; it ends by
# itself after about ROUNDS * 3 * SECONDS_EACH seconds.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

rounds=${ROUNDS:-5}
duration=${SECONDS_EACH:-3}
connections=${CONNECTIONS:-32}
upstream=$(port)
mkdir "$work/upstream"
cat >"$work/upstream/nginx.conf" <<NGINX
pid $work/upstream/nginx.pid;
error_log $work/upstream/error.log;
worker_processes 1;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:$upstream backlog=1024;
        location = /v2/ { return 200 '{}'; }
        location /v2/ { return 307 https://k.s3.amazonaws.com/x?X-Amz-Signature=a; }
    }
}
NGINX
nginx -p "$work/upstream" -c "$work/upstream/nginx.conf" -e "$work/upstream/start.log" -g 'daemon off;' &
processes+=($!)
await "http://127.0.0.1:$upstream/v2/"
configure "$upstream"
start_workers "${WORKERS:-1}"
start_nginx

cat >"$work/requests.lua" <<'LUA'
local count, seed, fixed = 0, "", false
function init(arguments)
  seed, fixed = arguments[1], arguments[2] == "cached"
end
function request()
  if not fixed then count = count + 1 end
  return wrk.format("GET", string.format("/v2/library/app/blobs/sha256:%s%056x", seed, count))
end
function response(status)
  if status ~= 307 then bad = (bad or 0) + 1 end
end
LUA

# measure PORT SEED KIND: prints the requests per second.
measure() {
  wrk -t1 -c"$connections" -d"${duration}s" -s "$work/requests.lua" "http://127.0.0.1:$1" -- "$2" "$3" >"$work/wrk"
  if grep -qE 'Non-2xx or 3xx|Socket errors' "$work/wrk"; then
    cat "$work/wrk" >&2
    fail "failed requests on port $1"
  fi
  awk '/^Requests\/sec:/ {print $2}' "$work/wrk"
}

status=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$front/v2/library/app/blobs/sha256:$(printf '%064x' 7)")
[ "$status" = 307 ] || fail "a redirect of upstream is answered with $status"
: >"$work/cold"
: >"$work/cached"
: >"$work/direct"
for round in $(seq "$rounds"); do
  seed=$(printf '%08x' "$round")
  measure "$front" "$seed" cold >>"$work/cold"
  measure "$front" "$seed" cached >>"$work/cached"
  measure "$upstream" "$seed" cold >>"$work/direct"
done
left=$(find "$work/store/partial" -type f | wc -l)
[ "$left" -eq 0 ] || fail "$left files are left in the store's partial directory"
cold=$(median <"$work/cold") cached=$(median <"$work/cached") direct=$(median <"$work/direct")
printf 'cold redirects %8.0f/s   cached %8.0f/s   ratio %s   upstream alone %8.0f/s   (rounds: %s)\n' \
  "$cold" "$cached" "$(ratio "$cold" "$cached")" "$direct" "$(paste -sd' ' "$work/cold")"
