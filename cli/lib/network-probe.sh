# Tries two connections: ALLOWED is one that the policies of the stack allow, REFUSED one that they refuse.
# A network plugin may apply the policies of a new pod late, so both are repeated.
connect() { printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 3 "$1" "$2" 2>&1 | head -n 1 | tr -d '\r'; }

for attempt in 1 2 3 4; do
  answer=$(connect $ALLOWED)
  case "$answer" in HTTP/*) break ;; esac
  sleep 2
done
echo "allowed: $answer"

for attempt in 1 2 3 4; do
  answer=$(connect $REFUSED)
  case "$answer" in HTTP/*) sleep 2 ;; *) break ;; esac
done
echo "refused: $answer"
