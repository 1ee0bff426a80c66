# Copies Grafana's SQLite database to the copy (backup), or back while Grafana is stopped (restore).
copied=/tmp/grafana.db

# A copy is consistent if no transaction is open after it, and the database still has the content that was copied.
consistent() {
  cp "$DATABASE" $copied
  cmp -s "$DATABASE" $copied && [ ! -s "$DATABASE-journal" ] && [ ! -s "$DATABASE-wal" ]
}

# The mark of the volume: a new volume has none.
mark() {
  [ ! -e "$MARK" ] || cat "$MARK"
}

# Records that the copy is of the database on this volume.
record() {
  [ -n "$(mark)" ] || cat /proc/sys/kernel/random/uuid >"$MARK"
  rclone rcat copy:grafana/volume <"$MARK"
}

backup() {
  tries=${TRIES:-20}
  until consistent; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail "Grafana writes to its database all the time, or uses a write-ahead log; no copy was consistent"
    sleep 1
  done
  # Rejects another password before any write, and a Grafana that was installed again: its key would replace the only
  # one that decrypts the older databases.
  saved=$(read_file grafana/ secret-key)
  [ -z "$saved" ] || [ "$saved" = "$GRAFANA_SECRET_KEY" ] ||
    fail "the copy in $DESTINATION is of a Grafana with another secret key. Set grafana.secretKey to the key of the copy and restore it (docs/guides/backup.md#keys), or set backups.destination.prefix to start another copy"
  # A new database would be the newest of the copy, and the next restore would choose it.
  volume=$(read_file grafana/ volume)
  [ -z "$volume" ] || [ "$volume" = "$(mark)" ] ||
    fail "the copy in $DESTINATION is of the database on another volume. Restore that copy (./obs restore --only grafana --take-over, docs/guides/backup.md), or set backups.destination.prefix to start another copy"
  [ -n "$volume" ] || record
  rclone copyto $copied "copy:grafana/$now.db"
  [ -n "$saved" ] || printf %s "$GRAFANA_SECRET_KEY" | rclone rcat copy:grafana/secret-key
  limit=$(oldest)
  times=$(stamps grafana/)
  for time in $times; do
    [ "$time" -lt "$limit" ] || continue
    echo "$JOB: removing the database of $time"
    rclone deletefile "copy:grafana/$time.db"
  done
  echo "$JOB: completed"
}

restore() {
  times=$(stamps grafana/)
  for time in $times; do
    [ "$time" -ge "${before:-99999999999999}" ] || break
    time=
  done
  [ -n "${time:-}" ] || fail "$DESTINATION has no database of Grafana${before:+ from before $before}"
  [ "$(read_file grafana/ secret-key)" = "$GRAFANA_SECRET_KEY" ] ||
    fail "the database was encrypted with another secret key than this Grafana's. Set grafana.secretKey to the key of the copy as docs/guides/backup.md#keys describes, then run this command again"
  volume=$(read_file grafana/ volume)
  [ -z "$volume" ] || [ -n "$take_over" ] || [ "$volume" = "$(mark)" ] || fail "the copy in $DESTINATION is of the database on another volume.
If that volume is lost, run ./obs restore with --take-over: the copy then belongs to this Grafana, and backups of the other one fail.
If it is in use, restore from a duplicate of the copy under another prefix (docs/guides/backup.md#restore-drill)"
  echo "$JOB: restoring the database of $time (UTC)"
  rclone copyto "copy:grafana/$time.db" $copied
  [ "$(head -c 15 $copied)" = "SQLite format 3" ] || fail "grafana/$time.db is not a SQLite database"
  cp $copied "$DATABASE.restored"
  chmod 640 "$DATABASE.restored"
  # A transaction of the old database must not be applied to the restored one.
  rm -f "$DATABASE-journal" "$DATABASE-wal" "$DATABASE-shm"
  mv "$DATABASE.restored" "$DATABASE"
  record
  sync
  echo "$JOB: completed"
}
