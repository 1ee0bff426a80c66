# What both Jobs of a backup begin with: the encrypted copy, as rclone's remote `copy`. Runs in any POSIX shell.
set -euf

fail() {
  echo "$JOB: $*" >&2
  exit 1
}

RCLONE_CONFIG_COPY_PASSWORD=$(printf %s "$PASSPHRASE" | rclone obscure -)
export RCLONE_CONFIG_COPY_PASSWORD
now=$(date -u +%Y%m%d%H%M%S)

# Content of a small file of the copy; nothing if the copy does not have it.
read_file() {
  listed=$(rclone lsf --files-only "copy:$1") || fail "$DESTINATION cannot be read; rclone's message is above"
  case "
$listed
" in
  *"
$2
"*) rclone cat "copy:$1$2" ;;
  esac
}

# Times of the dated folders or files below a path, newest first.
stamps() {
  rclone lsf "copy:$1" | sed -n 's/^\([0-9]\{14\}\).*/\1/p' | sort -ru
}

# Deletes what has been kept for backups.keepDeleted.
expire() {
  oldest=$(date -u -d "@$(($(date +%s) - KEEP_SECONDS))" +%Y%m%d%H%M%S)
  for time in $(stamps "$1"); do
    [ "$time" -lt "$oldest" ] || continue
    echo "$JOB: $1$time has been kept long enough and is deleted"
    "$2" "$1" "$time"
  done
}
