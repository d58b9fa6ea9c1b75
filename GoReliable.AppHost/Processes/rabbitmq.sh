#!/usr/bin/env bash
# RabbitMQ on the loopback interface, for the variables that the container image takes, PORT, and MANAGEMENT_PORT if it is to
# have the management plugin.
#   rabbitmq.sh check    says what is in the way of a start
#   rabbitmq.sh remove   removes the data
#   rabbitmq.sh run      runs the broker until SIGTERM
source "${BASH_SOURCE%/*}/server.sh"

place_data
[[ $1 != remove ]] || remove_data

# The wrapper in /usr/sbin insists on root or the user rabbitmq; the script behind it does not.
program=$(find /usr/lib/rabbitmq/lib -path '*/sbin/rabbitmq-server' 2>/dev/null | sort -V | tail -n 1) || true
if [[ ! $program ]] || ! command -v epmd >/dev/null; then
    fail "RabbitMQ is not installed. $(install_with rabbitmq-server)"
fi
check_owner "$(id -un)"
lock_data
[[ $1 == run ]] || exit 0

free_port() {
    local port
    while port=$((RANDOM % 20000 + 10000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

files=$TEMPORARY/$(basename "$DATA")-files
mkdir -p "$files"
chmod 700 "$files"
[[ -e $files/.erlang.cookie ]] || (umask 377 && od -An -N 16 -tx1 /dev/urandom | tr -d ' \n' >"$files/.erlang.cookie")
: >"$files/rabbitmq-env.conf"
echo '[].' >"$files/advanced.config"
echo "[${MANAGEMENT_PORT:+rabbitmq_management}]." >"$files/enabled_plugins"
cat >"$files/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$PORT
${MANAGEMENT_PORT:+management.tcp.ip = 127.0.0.1
management.tcp.port = $MANAGEMENT_PORT
}log.console = true
log.console.level = warning
log.file = false
CONF

# Nothing of the user's own Erlang or RabbitMQ set-up may leak in.
for variable in "${!RABBITMQ_@}" "${!ERL_@}"; do
    [[ $variable == RABBITMQ_DEFAULT_* ]] || unset "$variable"
done
export HOME=$files ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1 ERL_AFLAGS='-start_epmd false' ERL_CRASH_DUMP=/dev/null
export RUNNING_UNDER_SYSTEMD=true # Makes the start script exec, so that the child is the broker itself.
export RABBITMQ_NODENAME=messaging@localhost RABBITMQ_DIST_PORT
export RABBITMQ_MNESIA_BASE=$DATA RABBITMQ_FEATURE_FLAGS_FILE=$DATA/feature_flags RABBITMQ_LOG_BASE=$files RABBITMQ_LOGS=-
export RABBITMQ_CONFIG_FILE=$files/rabbitmq.conf RABBITMQ_ADVANCED_CONFIG_FILE=$files/advanced.config
export RABBITMQ_CONF_ENV_FILE=$files/rabbitmq-env.conf RABBITMQ_ENABLED_PLUGINS_FILE=$files/enabled_plugins
export RABBITMQ_PID_FILE=$files/pid RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
ERL_EPMD_PORT=$(free_port)
RABBITMQ_DIST_PORT=$(free_port)
mkdir -p "$DATA"
chmod 700 "$DATA"
cd "$files"

# Left alone, the broker starts an epmd on all interfaces that outlives it.
setpriv --pdeathsig KILL -- epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 9>&- &
epmd=$!
trap 'kill $epmd 2>/dev/null || true' EXIT
run_server TERM "$program" "${@:2}"
