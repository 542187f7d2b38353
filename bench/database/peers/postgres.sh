#!/usr/bin/env bash
# A PostgreSQL cluster of the benchmark's own.
#   postgres.sh start DIRECTORY   prints the postmaster's pid; the socket is in DIRECTORY, port 15469
#   postgres.sh stop DIRECTORY
set -euo pipefail
directory=$2
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$*"; else bash -c "$*"; fi; }
case $1 in
  start)
    mkdir -p "$directory"
    [ "$(id -u)" != 0 ] || chown postgres "$directory"
    as_postgres "$bin/initdb -D $directory/data -A trust -U postgres -E UTF8 --locale=C.UTF-8" >/dev/null
    cat >>"$directory/data/postgresql.conf" <<CONF
port = 15469
listen_addresses = ''
unix_socket_directories = '$directory'
shared_buffers = 2GB
effective_cache_size = 8GB
work_mem = 64MB
maintenance_work_mem = 512MB
max_wal_size = 4GB
checkpoint_timeout = 15min
jit = off
CONF
    as_postgres "$bin/pg_ctl -D $directory/data -l $directory/log -w start" >/dev/null
    head -1 "$directory/data/postmaster.pid"
    ;;
  stop) as_postgres "$bin/pg_ctl -D $directory/data -m fast -w stop" >/dev/null ;;
  *) echo "postgres.sh: start or stop" >&2; exit 2 ;;
esac
