# The start of every backup Job: defines the encrypted copy as rclone's remote `copy`. Runs in any POSIX shell.
set -euf

fail() {
  echo "$JOB: $*" >&2
  exit 1
}

# Arguments of a restore: the time (YYYYMMDDhhmmss, UTC) before which to restore, and --take-over.
before= take_over=
for argument; do
  case $argument in
    --take-over) take_over=yes ;;
    *) before=$argument ;;
  esac
done

RCLONE_CONFIG_COPY_PASSWORD=$(printf %s "$PASSWORD" | rclone obscure -)
export RCLONE_CONFIG_COPY_PASSWORD
now=$(date -u +%Y%m%d%H%M%S)

# Content of a small file of the copy; nothing if the copy does not have it.
read_file() {
  listed=$(rclone lsf --files-only "copy:$1") || fail "$DESTINATION cannot be read; the message of rclone is above"
  case "
$listed
" in
  *"
$2
"*) rclone cat "copy:$1$2" || fail "$DESTINATION cannot be decrypted: backups.destination.password is not the password that this copy was encrypted with" ;;
  esac
}

# Times of the dated folders or files below a path, newest first. Assign them to a variable: the shell ignores a failure
# among the words of a `for`.
stamps() {
  listed=$(rclone lsf "copy:$1") || fail "$DESTINATION/$1 cannot be listed; the message of rclone is above"
  echo "$listed" | sed -n 's/^\([0-9]\{14\}\).*/\1/p' | sort -ru
}

# The time before which deleted and replaced data is removed from the copy: backups.keepDeleted.
oldest() {
  date -u -d "@$(($(date +%s) - KEEP_SECONDS))" +%Y%m%d%H%M%S
}
