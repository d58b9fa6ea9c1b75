#!/usr/bin/env bash
# PostgreSQL on the loopback interface, with scram passwords, for the variables that the container image takes, and PORT.
#   postgres.sh check    says what is in the way of a start
#   postgres.sh remove   removes the data
#   postgres.sh run      runs the server until SIGTERM
source "${BASH_SOURCE%/*}/server.sh"

# PostgreSQL does not run as root.
user=''
choose_user() {
    ((EUID == 0)) || return 0
    for user in postgres nobody; do
        id "$user" >/dev/null 2>&1 || continue
        as_user=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
        return 0
    done
    fail 'PostgreSQL does not run as root, and there is no user postgres or nobody to run it. Add one with: useradd --system postgres'
}

# Debian keeps versions side by side, outside of the PATH: the one that made the data, or else the newest.
programs=''
choose_programs() {
    local newest made_by=''
    newest=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1) || true
    [[ $newest ]] || fail "PostgreSQL is not installed. $(install_with postgresql)"
    programs=$(dirname "$newest")
    [[ ! -e $DATA ]] || made_by=$(cat "$DATA/PG_VERSION" 2>/dev/null) ||
        fail "The data in $DATA is not PostgreSQL's. Start with ./run --fresh to remove it."
    [[ $made_by ]] || return 0
    [[ -x /usr/lib/postgresql/$made_by/bin/postgres ]] ||
        fail "The data in $DATA was made by PostgreSQL $made_by; installed is $(basename "$(dirname "$programs")"). Start with ./run --fresh to remove it, or install postgresql-$made_by."
    programs=/usr/lib/postgresql/$made_by/bin
}

# Initialised in a temporary directory and then moved: no server must start on an interrupted initdb.
initialize() {
    local unfinished=$DATA.new
    local -a quick=()
    [[ $DATA != "$TEMPORARY"/* ]] || quick=(--no-sync)
    rm -rf "$unfinished"
    install -d -m 700 ${user:+-o "$user"} "$unfinished"
    # As a file: everybody can read arguments.
    local password_file=$TEMPORARY/postgres-password
    install -m 600 ${user:+-o "$user"} /dev/stdin "$password_file" <<<"$password"
    "${as_user[@]}" "$programs/initdb" -D "$unfinished" --username "$user_name" --pwfile "$password_file" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 "${quick[@]}" >/dev/null
    rm "$password_file"
    mv "$unfinished" "$DATA"
}

# A process id that is left from a crash may be another program's by now. Nobody else uses the data: it is locked.
remove_stale_pid() {
    local pid
    pid=$(head -n 1 "$DATA/postmaster.pid" 2>/dev/null) || return 0
    grep -qsF "$DATA" "/proc/$pid/cmdline" || rm -f "$DATA/postmaster.pid"
}

place_data
[[ $1 != remove ]] || remove_data
choose_user
check_owner "${user:-$(id -un)}"
choose_programs
lock_data
[[ $1 == run ]] || exit 0

user_name=$POSTGRES_USER password=$POSTGRES_PASSWORD
unset "${!PG@}" "${!POSTGRES_@}"
cd /
[[ -e $DATA ]] || initialize
remove_stale_pid
# SIGINT is the fast shutdown: it ends sessions and does not wait for them.
run_server INT "$programs/postgres" -D "$DATA" -p "$PORT" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= "${@:2}"
