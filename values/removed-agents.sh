# Deletes the rules of the tenants in the arguments from Mimir, and then their Alertmanagers.
set -eu

request() {
  wget -q -O - -T 30 --header "X-Scope-OrgID: $tenant" --post-data= "$1"
}

for tenant in "$@"; do
  request "$RULER/ruler/delete_tenant_config"
done
# Rulers drop the rules at their next poll at the latest. Firing alerts would create the Alertmanagers again.
sleep "$POLL_SECONDS"
for tenant in "$@"; do
  request "$ALERTMANAGER/multitenant_alertmanager/delete_tenant_config"
done
