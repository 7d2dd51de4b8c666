#!/usr/bin/env bash
# Starts FOLDER/greeter-server on a free port, calls it with FOLDER/greeter-client, stops it.
# usage: tools/greet.sh FOLDER NAME...
set -euo pipefail
folder=$1
shift
coproc SERVER { exec "$folder/greeter-server" 127.0.0.1:0; }
server=$SERVER_PID
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
read -r -t 20 line <&"${SERVER[0]}"
"$folder/greeter-client" "${line##* }" "$@"
