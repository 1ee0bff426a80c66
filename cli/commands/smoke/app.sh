# The smoke test's application: every second a numbered line, with every fifth a trace of two services, and a counter to
# scrape. RUN, LINES, OTLP_HOST, OTLP_PORT and POD_UID come from the environment; after LINES lines it only answers scrapes.
mkdir -p /tmp/www
httpd -p 8080 -h /tmp/www

random() { od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }
attribute() { printf '{"key":"%s","value":{"stringValue":"%s"}}' "$1" "$2"; }

# One service's span, failed, because no sampling leaves those out. service, kind, span id, parent's id
resource() {
  printf '{"resource":{"attributes":[%s,%s]},"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","parentSpanId":"%s",' \
    "$(attribute service.name "$1")" "$(attribute k8s.pod.uid "$POD_UID")" "$trace" "$3" "$4"
  printf '"name":"GET /smoke","kind":%s,"startTimeUnixNano":"%s000000000","endTimeUnixNano":"%s050000000",' "$2" "$now" "$now"
  printf '"attributes":[%s],"status":{"code":2}}]}]}' "$(attribute run "$RUN")"
}

# By nc and an address: wget asks for names, for which not every build of this shell has what it needs.
post() {
  printf 'POST /v1/traces HTTP/1.1\r\nHost: otlp\r\nContent-Type: application/json\r\nContent-Length: %s\r\n' "${#1}"
  printf 'Connection: close\r\n\r\n%s' "$1"
}

n=0
while [ "$n" -lt "$LINES" ]; do
  n=$((n + 1))
  about=""
  if [ $((n % 5)) -eq 0 ]; then
    now=$(date +%s) trace=$(random 16) client=$(random 8)
    spans="$(resource obs-smoke-client 3 "$client" ""),$(resource obs-smoke-server 2 "$(random 8)" "$client")"
    said=$(post "{\"resourceSpans\":[$spans]}" | nc -w 5 "$OTLP_HOST" "$OTLP_PORT" 2>&1 | head -n 1 | tr -d '\r"')
    case "$said" in *" 200 "*) said=taken ;; esac
    about=" trace_id=$trace spans=\"$said\""
  fi
  echo "level=info msg=\"request served\" run=$RUN n=$n$about"
  printf '# TYPE obs_smoke_lines_total counter\nobs_smoke_lines_total{run="%s"} %s\n' "$RUN" "$n" >/tmp/next
  mv /tmp/next /tmp/www/metrics
  sleep 1
done
while true; do sleep 60; done
