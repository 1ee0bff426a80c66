# Copies the buckets to the copy (backup) or back (restore).
#
# Objects that refer to others (Loki's index, the meta.json of a block) form a separate set. A backup copies data, then
# the objects that refer to it, then the data written in the meantime. The copy therefore has everything that it refers
# to, even if a run is interrupted. Data objects are immutable, so their size shows whether the copy has them. Lists of
# blocks are excluded: the compactors of Mimir and Tempo write them.
lists='--exclude bucket-index.json.gz --exclude index.json.gz --exclude index.pb.zst'
referring='--include /index/** --include *.json'
data="$lists --exclude /index/** --exclude *.json --size-only"

changing() { # bucket: whether its objects are mutable, such as rules and configuration
  case " $CHANGING " in *" $1 "*) ;; *) return 1 ;; esac
}

own_minio() {
  [ "$RCLONE_CONFIG_STORE_PROVIDER" = Minio ]
}

# The buckets: a line `<creation time>;<name>/` for each. A bucket that was created again is another bucket and needs
# another copy. For an external S3, without times: they may change, for example with a bucket policy, and AWS lists them
# only with permission for all buckets of the account.
installation() {
  if own_minio; then
    rclone lsf --dirs-only --format tp store: >/tmp/buckets || fail "the buckets of the object storage cannot be listed"
  fi
  for bucket in $BUCKETS; do
    if own_minio; then
      grep ";$bucket/$" /tmp/buckets || fail "bucket $bucket does not exist"
    else
      rclone lsf "store:$bucket" >/dev/null || fail "bucket $bucket cannot be listed; the message of rclone is above"
      echo ";$bucket/"
    fi
  done
}

names() {
  echo "$1" | sed 's/^[^;]*;//'
}

# Whether a recorded installation is this one. In an external S3, an empty bucket of blocks or logs with a copy is another
# one.
same_buckets() { # recorded, current
  if own_minio; then [ "$1" = "$2" ]; return; fi
  [ "$(names "$1")" = "$(names "$2")" ] || return 1
  for bucket in $BUCKETS; do
    changing "$bucket" || [ -n "$(rclone lsf "store:$bucket")" ] || [ -z "$(rclone lsf "copy:current/$bucket")" ] || return 1
  done
}

backup() {
  current=$(installation)
  saved=$(read_file "" installation)
  [ -z "$saved" ] || same_buckets "$saved" "$current" || fail "the copy in $DESTINATION is of other buckets:
$saved
not of those of this stack:
$current
Restore that copy (./obs restore --take-over, docs/guides/backup.md), or set backups.destination.prefix to start another copy."
  [ -n "$saved" ] || printf '%s\n' "$current" | rclone rcat copy:installation

  for bucket in $BUCKETS; do
    changing "$bucket" || rclone copy $data "store:$bucket" "copy:current/$bucket"
  done
  # Replaced and deleted objects move to a folder of this run.
  for bucket in $BUCKETS; do
    if changing "$bucket"; then filter=; else filter=$referring; fi
    rclone sync $filter --backup-dir "copy:deleted/$now/$bucket" "store:$bucket" "copy:current/$bucket"
  done
  for bucket in $BUCKETS; do
    changing "$bucket" || rclone sync $data --backup-dir "copy:deleted/$now/$bucket" "store:$bucket" "copy:current/$bucket"
  done
  printf '%s\n' "$now" | rclone rcat copy:completed
  limit=$(oldest)
  times=$(stamps deleted/)
  for time in $times; do
    [ "$time" -lt "$limit" ] || continue
    echo "$JOB: removing the objects that were deleted or replaced at $time"
    rclone purge "copy:deleted/$time"
  done
  echo "$JOB: completed"
}

# Reports the blocks that a store marked for deletion after the time: a restore does not remove the marks.
report_marks() {
  for bucket in $BUCKETS; do
    ! changing "$bucket" || continue
    marked=$(rclone lsf --recursive --files-only --max-age "$limit" --include deletion-mark.json \
      --include meta.compacted.json "store:$bucket") || fail "bucket $bucket cannot be listed; the message of rclone is above"
    [ -z "$marked" ] || echo "$JOB: the store may delete $(echo "$marked" | wc -l) blocks of bucket $bucket again, which it marked after $before. \
If you miss their data, run this restore again after 3 hours (docs/guides/backup.md#restore)"
  done
}

# The record of a copy whose restore is not complete begins with this line; the buckets follow.
incomplete="a restore that began"

restore() {
  completed=$(read_file "" completed)
  [ -n "$completed" ] || fail "$DESTINATION has no complete copy"
  current=$(installation)
  saved=$(read_file "" installation)
  saved=$(echo "$saved" | sed "/^$incomplete/d")
  [ -z "$saved" ] || [ -n "$take_over" ] || same_buckets "$saved" "$current" || fail "the copy in $DESTINATION is of other buckets:
$saved
not of those of this stack:
$current
If those are lost, run ./obs restore with --take-over: the copy then belongs to the buckets of this stack, and backups of the other buckets fail.
If they are in use, restore from a duplicate of the copy under another prefix (docs/guides/backup.md#restore-drill)."
  # Objects that were written later are left out. Among them are the marks with which the stores announce the deletion
  # of a block: with a mark, a restored block would be deleted again at once.
  limit=$(echo "$before" | sed 's/^\(....\)\(..\)\(..\)\(..\)\(..\)\(..\)$/\1-\2-\3T\4:\5:\6Z/')
  older=${limit:+--min-age $limit}
  echo "$JOB: restoring the copy of $completed (UTC)${before:+, as it was before $before}"
  # Until the restore is complete, backups refuse to run: they would remove objects from the copy that are not restored
  # yet.
  printf '%s\n' "$incomplete at $now (UTC) and is not complete" "$current" | rclone rcat copy:installation
  for bucket in $BUCKETS; do
    changing "$bucket" || rclone copy $data "copy:current/$bucket" "store:$bucket"
    if changing "$bucket"; then filter=; else filter=$referring; fi
    rclone copy $filter $older "copy:current/$bucket" "store:$bucket"
  done
  if [ -n "$before" ]; then
    times=$(stamps deleted/)
    for time in $times; do
      [ "$time" -ge "$before" ] || continue
      for bucket in $BUCKETS; do
        rclone copy $older "copy:deleted/$time/$bucket" "store:$bucket"
      done
    done
  fi
  printf '%s\n' "$current" | rclone rcat copy:installation
  [ -z "$before" ] || report_marks
  echo "$JOB: completed"
}
