# Numbered lines, a counter and numbered traces, each second one batch of each; optionally queries and writes.
# Runs in busybox. This pod's record is record.txt, which it serves next to its counter; the format is in record.ts.
#
# LOAD_NAME LOAD_RUN LOAD_WRITER   name of the load, its run (8 hexadecimal digits), name of this writer
# LOAD_LINES LOAD_SPANS            lines and spans of a batch; the spans of a batch are one trace
# LOAD_TRACES                      base URL that traces are sent to
# LOAD_STATUS                      status code of each span: 1 ok, 2 error
# LOAD_DATA LOAD_PORT              folder of its state, which outlives a restart; port of its HTTP server
# LOAD_FOLDER                      folder with three lists:
#   writers    names of all writers, one per line
#   queries    optional lines of `store variable url expected`: each second the next writer sends each
#   writes     optional lines of `store variable url body`, likewise; both authorize with the header in `variable`, and
#              @NOW and @FROM are replaced with seconds since 1970
set -u
cd "$LOAD_DATA"
mkdir -p www work
rm -f work/*
httpd -f -p "$LOAD_PORT" -h "$PWD/www" &

index=0 writers=0
while read -r name; do
  [ "$name" = "$LOAD_WRITER" ] && index=$writers
  writers=$((writers + 1))
done < "$LOAD_FOLDER"/writers

record() { echo "$*" >> www/record.txt; }

# Milliseconds since 1970. busybox has no clock finer than a second, but the kernel's uptime is, and reading it costs nothing.
uptime_ms() { read -r up _ < /proc/uptime; up=$((${up%.*} * 1000 + 1${up#*.}0 - 1000)); }
second=$(date +%s)
while [ "$(date +%s)" = "$second" ]; do :; done
uptime_ms
offset=$(((second + 1) * 1000 - up))
clock() { uptime_ms; now=$((up + offset)); }

# Sends a request. Sets `status`: the HTTP status, 0 without a response. Arguments: file of the response, further arguments of wget.
ask() {
  answer=$1
  shift
  timeout 10 wget -q -S -O "$answer" "$@" 2> "$answer.err" > /dev/null
  status=$(sed -n 's/.*HTTP\/1\.[01] \([0-9]*\).*/\1/p' "$answer.err" | tail -n 1)
  status=${status:-0}
}

# Sends a body as a client does, and retries after retryable responses for a minute. Arguments: retried statuses, file, arguments.
# Sets `status` and `tries`.
deliver() {
  retried=" $1 "
  body=$2
  shift 2
  tries=0 pause=1
  clock
  begun=$now
  while :; do
    tries=$((tries + 1))
    ask "$body.answer" --header 'Content-Type: application/json' --post-file "$body" "$@"
    case "$retried" in *" $status "*) ;; *) break ;; esac
    clock
    [ $((now - begun)) -gt 60000 ] && break
    sleep $pause
    [ $pause -lt 5 ] && pause=$((pause + 1))
  done
  rm -f "$body" "$body.answer" "$body.answer.err"
}

# https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes, and no response
send_spans() {
  file=work/spans.$2
  awk -v at="$1" -v batch="$2" -v count="$LOAD_SPANS" -v status="$LOAD_STATUS" -v writer="$index" \
    -v run="$LOAD_RUN" -v service="$LOAD_NAME-$LOAD_RUN" 'BEGIN {
    printf "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"%s\"}}]},", service
    printf "\"scopeSpans\":[{\"spans\":["
    for (span = 1; span <= count; span++)
      printf "%s{\"traceId\":\"%s%04x%020x\",\"spanId\":\"%016x\",%s\"name\":\"load\",\"kind\":2,\"startTimeUnixNano\":\"%s000000\",\"endTimeUnixNano\":\"%s000000\",\"status\":{\"code\":%s}}",
        (span > 1 ? "," : ""), run, writer, batch, span, (span > 1 ? "\"parentSpanId\":\"0000000000000001\"," : ""), at, at + 1, status
    print "]}]}]}"
  }' > "$file"
  deliver "0 429 502 503 504" "$file" "$LOAD_TRACES/v1/traces"
  record spans "$1" "$2" $tries "$status"
}

# Replaces the times in a text. Sets `filled`.
fill() {
  seconds=$(($2 / 1000))
  filled=${1//@NOW/$seconds}
  filled=${filled//@FROM/$((seconds - 300))}
}

send_query() {
  fill "$4" "$1"
  answer=work/$2.$1
  uptime_ms
  asked=$up
  eval "authorization=\$$3"
  ask "$answer" --header "Authorization: $authorization" "$filled"
  uptime_ms
  if [ "$status" = 200 ] && ! grep -q "$5" "$answer"; then status=empty; fi
  record query "$1" "$2" $((up - asked)) "$status"
  rm -f "$answer" "$answer.err"
}

send_write() {
  fill "$5" "$1"
  file=work/write-$2.$1
  echo "$filled" > "$file"
  eval "authorization=\$$3"
  deliver "0 429 500 502 503 504" "$file" --header "Authorization: $authorization" "$4"
  record write "$1" "$2" $tries "$status"
}

batch=0 number=0
[ -f state ] && read -r batch number < state
clock
# In the middle of a second, because the second determines which writer sends.
next=$((now / 1000 * 1000 + 500))
while :; do
  clock
  batch=$((batch + 1)) first=$((number + 1)) number=$((number + LOAD_LINES))
  # Stored before the lines are written, so that no number is written twice.
  echo "$batch $number" > state.new
  mv state.new state
  awk -v from=$first -v to=$number -v text="$LOAD_NAME run=$LOAD_RUN writer=$LOAD_WRITER number=" \
    'BEGIN { for (number = from; number <= to; number++) print text number }'
  record batch "$now" $batch $first $number
  printf '# TYPE %s_number_total counter\n%s_number_total{run="%s",writer="%s"} %s\n' \
    "$LOAD_NAME" "$LOAD_NAME" "$LOAD_RUN" "$LOAD_WRITER" $number > www/new
  mv www/new www/metrics.txt
  send_spans "$now" $batch &
  if [ $((now / 1000 % writers)) = $index ]; then
    if [ -f "$LOAD_FOLDER"/queries ]; then
      while read -r store variable url expected; do
        send_query "$now" "$store" "$variable" "$url" "$expected" &
      done < "$LOAD_FOLDER"/queries
    fi
    if [ -f "$LOAD_FOLDER"/writes ]; then
      while read -r store variable url body; do
        send_write "$now" "$store" "$variable" "$url" "$body" &
      done < "$LOAD_FOLDER"/writes
    fi
  fi
  if [ $((batch % 15)) = 0 ]; then
    read -r load _ < /proc/loadavg
    record load "$now" "$load"
  fi
  next=$((next + 1000))
  clock
  # After a long interruption, missed seconds are skipped.
  [ $((now - next)) -gt 10000 ] && next=$now
  rest=$((next - now))
  if [ $rest -gt 0 ]; then
    hundredths=$((100 + rest / 10 % 100))
    sleep $((rest / 1000)).${hundredths#1}
  fi
done
