# Copies the buckets to the copy (backup) or back (restore). $1: a time (YYYYMMDDhhmmss, UTC) to restore from before it.
#
# Objects that refer to others (Loki's index, lists of blocks and their meta.json) are a set of their own. A backup copies data,
# then what refers to it, then the data that came meanwhile: whatever the copy refers to, it has, also when a run breaks off.
# Data objects never change under their name, so that their size tells whether they are there, without a request for each.
referring='--include /index/** --include *.json --include *.json.gz --include index.pb.zst'
data='--exclude /index/** --exclude *.json --exclude *.json.gz --exclude index.pb.zst --size-only'

# What the buckets are: names and creation times. Buckets that were created anew are others, and begin a copy of their own.
installation() {
  rclone lsf --dirs-only --format tp store: >/tmp/buckets || fail "MinIO's buckets cannot be listed"
  for bucket in $BUCKETS; do
    grep ";$bucket/$" /tmp/buckets || fail "bucket $bucket does not exist"
  done
}

changing() { # bucket: whether its objects, rules and configuration, change under their name
  case " $CHANGING " in *" $1 "*) ;; *) return 1 ;; esac
}

delete_folder() {
  rclone purge "copy:$1$2"
}

backup() {
  current=$(installation)
  saved=$(read_file "" installation)
  [ -z "$saved" ] || [ "$saved" = "$current" ] || fail "the copy in $DESTINATION is of other buckets:
$saved
not of those of this stack:
$current
Restore the copy first (docs/backup.md), or set backups.destination.prefix to start another one."
  printf '%s\n' "$current" | rclone rcat copy:installation

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
  rclone copyto "$KEY_FILE" copy:keys/minio-encryption.env
  printf '%s\n' "$now" | rclone rcat copy:completed
  expire deleted/ delete_folder
  echo "$JOB: completed"
}

restore() {
  before=${1:-}
  completed=$(read_file "" completed)
  [ -n "$completed" ] || fail "$DESTINATION has no complete copy"
  current=$(installation)
  echo "$JOB: restoring the copy of $completed (UTC)${before:+, as it was before $before}"
  # Until the restore is complete, backups refuse to run: they would move what is not there yet out of the copy.
  echo "a restore that began at $now (UTC) and is not complete" | rclone rcat copy:installation
  for bucket in $BUCKETS; do
    changing "$bucket" || rclone copy $data "copy:current/$bucket" "store:$bucket"
    if changing "$bucket"; then filter=; else filter=$referring; fi
    rclone copy $filter "copy:current/$bucket" "store:$bucket"
  done
  if [ -n "$before" ]; then
    for time in $(stamps deleted/); do
      [ "$time" -ge "$before" ] || continue
      for bucket in $BUCKETS; do
        rclone copy "copy:deleted/$time/$bucket" "store:$bucket"
      done
    done
  fi
  printf '%s\n' "$current" | rclone rcat copy:installation
  echo "$JOB: completed"
}
