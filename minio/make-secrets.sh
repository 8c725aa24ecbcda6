#!/bin/sh
# Makes the secrets of compose.yaml, each a file; keeps those that are there.
# The folder is yours alone. The files are readable for containers, which run under other numbers.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
keep() {
  [ -s "secrets/$1" ] || printf %s "$2" >"secrets/$1"
  chmod 644 "secrets/$1"
}
keep postgres_password "$(random 24)"
keep catalog_url "postgres://tributary:$(cat secrets/postgres_password)@postgres:5432/tributary"
keep store_owner_key "owner-$(random 6)"
keep store_owner_secret "$(random 24)"
settings=.env.example
[ -f .env ] && settings=.env
if grep -q '^COMPOSE_PROFILES=minio$' "$settings"; then
  keep store_key "daemon-$(random 6)"
  keep store_secret "$(random 24)"
  keep sampler_key "sampler-$(random 6)"
  keep sampler_secret "$(random 24)"
else
  keep store_key "$(cat secrets/store_owner_key)"
  keep store_secret "$(cat secrets/store_owner_secret)"
  keep sampler_key "$(cat secrets/store_owner_key)"
  keep sampler_secret "$(cat secrets/store_owner_secret)"
fi
echo "secrets are in $PWD/secrets"
