#!/bin/sh
# Makes the user that the product runs as, with the daemon's policy. Safe to repeat.
# Other components' users are made the same way: one policy each, in policies/.
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets}
policies=${POLICIES_FOLDER:-/bootstrap/policies}
secret() { cat "$secrets/$1"; }
mc --quiet alias set store "$S3_ENDPOINT" "$(secret store_owner_key)" "$(secret store_owner_secret)"
mc --quiet admin user add store "$(secret store_key)" "$(secret store_secret)"
for file in "$policies"/user-*.json; do
  name=$(basename "$file" .json)
  mc --quiet admin policy create store "tributary-${name#user-}" "$file"
done
mc --quiet admin policy attach store tributary-daemon --user "$(secret store_key)" ||
  mc --quiet admin policy entities store --user "$(secret store_key)" | grep -q tributary-daemon
