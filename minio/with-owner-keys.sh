#!/bin/sh
# Starts a store that reads its owner's keys from the environment only: VARIABLE VARIABLE PROGRAM ...
set -eu
export "$1=$(cat /run/secrets/store_owner_key)" "$2=$(cat /run/secrets/store_owner_secret)"
shift 2
if [ "$1" = versitygw ]; then mkdir -p /data/iam /data/versions /data/notes /data/buckets; fi
exec "$@"
