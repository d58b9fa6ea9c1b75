#!/usr/bin/env bash
# Prometheus on the loopback interface at PORT, with the configuration in DATA.
#   prometheus.sh check   says what is in the way of a start
#   prometheus.sh run     runs the server until SIGTERM
source "${BASH_SOURCE%/*}/server.sh"

command -v prometheus >/dev/null || fail "Prometheus is not installed. $(install_with prometheus), or do without: --Observability=false"
[[ $1 == run ]] || exit 0

run_server TERM prometheus --config.file="$DATA/prometheus.yml" --storage.tsdb.path="$DATA/data" \
    --enable-feature=exemplar-storage --log.level=warn --web.listen-address="127.0.0.1:$PORT"
