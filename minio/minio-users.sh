#!/bin/sh
# Makes the users that the product and its sampler run as, each with its policy. Safe to repeat.
# Other components' users are made the same way: one policy each, in policies/.
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets}
policies=${POLICIES_FOLDER:-/bootstrap/policies}
secret() { cat "$secrets/$1"; }
mc --quiet alias set store "$S3_ENDPOINT" "$(secret store_owner_key)" "$(secret store_owner_secret)"
mc --quiet admin user add store "$(secret store_key)" "$(secret store_secret)"
mc --quiet admin user add store "$(secret sampler_key)" "$(secret sampler_secret)"
for file in "$policies"/user-*.json; do
  name=$(basename "$file" .json)
  mc --quiet admin policy create store "tributary-${name#user-}" "$file"
done
attach() {
  mc --quiet admin policy attach store "tributary-$1" --user "$2" ||
    mc --quiet admin policy entities store --user "$2" | grep -q "tributary-$1"
}
attach daemon "$(secret store_key)"
attach sampler "$(secret sampler_key)"
