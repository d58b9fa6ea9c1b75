# shellcheck shell=bash
# What the scripts beside it share. They get:
#   DATA       where the server keeps its data
#   TEMPORARY  a directory of this run of the AppHost, which it removes when it ends
#   APPHOST    the AppHost's process id
set -euo pipefail
server_pid=''
as_user=() # The command that changes to the user who runs the server, if that is another one.

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

install_with() { echo "Install it with: apt-get install --no-install-recommends $1"; }

# Another user often cannot enter root's home. Data of a repository there is kept in /var/tmp.
place_data() {
    local directory=$DATA
    ((EUID == 0)) && [[ $DATA != "$TEMPORARY"/* ]] || return 0
    while [[ $directory != / ]]; do
        directory=$(dirname "$directory")
        [[ ! -d $directory || $(stat -c %A "$directory") == *x ]] && continue
        DATA=/var/tmp/goreliable-$(sha256sum <<<"$DATA" | cut -c 1-12)/$(basename "$DATA")
        break
    done
}

# The name of that directory is no secret: what somebody else put there is not used.
create_parent() {
    local parent
    parent=$(dirname "$DATA")
    mkdir -p "$parent" 2>/dev/null || fail "The directory $parent cannot be created: is the disk full, or does another user own it?"
    [[ $parent != /var/tmp/* || (-O $parent && ! -L $parent) ]] || fail "The directory $parent belongs to another user. Remove it first."
    ((EUID != 0)) || chmod go+x "$parent"
}

# $1 is who runs the server.
check_owner() {
    local owner
    [[ -e $DATA ]] || return 0
    owner=$(stat -c %U "$DATA")
    [[ $owner == "$1" ]] || fail "The data in $DATA belongs to the user $owner, but the server runs as $1. Give it back with: chown -R $1 $DATA"
}

# Until this script and the server have ended, however they end: the server inherits the lock.
lock_data() {
    create_parent
    exec 9>"$DATA.lock" || fail "The data in $DATA cannot be used: another user owns it."
    flock --nonblock 9 || fail "The data in $DATA is in use: the platform already runs in this folder. Stop it first."
}

remove_data() {
    lock_data
    rm -rf "$DATA" "$DATA.new" "$DATA.lock" || fail "The data in $DATA cannot be removed."
    exit 0
}

# Runs the server until it ends, and passes on the AppHost's wish to stop as the signal $1.
# The kernel ends the server when this script is killed. It forgets that wish when the user changes, so that comes first.
run_server() {
    local signal=$1 status=0
    shift
    "${as_user[@]}" setpriv --pdeathsig KILL -- "$@" &
    server_pid=$!
    # shellcheck disable=SC2064 # the process id as it is now
    trap "kill -$signal $server_pid 2>/dev/null || true" TERM INT
    while kill -0 "$server_pid" 2>/dev/null; do
        status=0
        wait "$server_pid" || status=$?
    done
    remove_temporary
    exit "$status"
}

# The AppHost does it, unless it was killed or ended before the server did.
remove_temporary() {
    [[ -e $TEMPORARY/in-use && -d /proc/$APPHOST ]] || rm -rf "$TEMPORARY" 2>/dev/null || true # The last one succeeds.
}
