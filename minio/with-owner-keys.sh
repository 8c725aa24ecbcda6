#!/bin/sh
# Starts a store that reads its owner's keys from the environment only: VARIABLE VARIABLE PROGRAM ...
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets}
export "$1=$(cat "$secrets/store_owner_key")" "$2=$(cat "$secrets/store_owner_secret")"
shift 2
if [ "$1" = versitygw ]; then mkdir -p /data/iam /data/versions /data/notes /data/buckets; fi
exec "$@"
