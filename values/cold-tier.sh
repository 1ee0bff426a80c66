# Configures MinIO's cold tier, and bucket lifecycles that move objects there; a second run changes nothing. Arguments:
# pairs of bucket and lifecycle (JSON). The image has a shell and mc, and little else.
set -eu

fail() {
  echo "cold tier: $*" >&2
  exit 1
}

mc=$(command -v mc || command -v mcli) || fail "objectStorage.minio.image has neither mc nor mcli"
export MC_HOST_minio="$SCHEME://$ROOT_USER:$ROOT_PASSWORD@$MINIO"

tiers=$("$mc" --json ilm tier ls minio) || fail "MinIO does not list its tiers: $tiers"
case $tiers in
*"\"$TIER_NAME\""*)
  "$mc" ilm tier update minio "$TIER_NAME" --access-key "$TIER_ACCESS_KEY" --secret-key "$TIER_SECRET_KEY" ||
    fail "$TIER_ENDPOINT, bucket $TIER_BUCKET: the credentials of objectStorage.minio.coldTier were not taken"
  ;;
*)
  "$mc" ilm tier add "$TIER_KIND" minio "$TIER_NAME" --endpoint "$TIER_ENDPOINT" --bucket "$TIER_BUCKET" \
    ${TIER_PREFIX:+--prefix "$TIER_PREFIX/"} ${TIER_REGION:+--region "$TIER_REGION"} \
    --access-key "$TIER_ACCESS_KEY" --secret-key "$TIER_SECRET_KEY" ||
    fail "$TIER_ENDPOINT, bucket $TIER_BUCKET: was not taken as a tier; objectStorage.minio.coldTier says where it is"
  ;;
esac

while [ $# -gt 0 ]; do
  echo "$2" | "$mc" ilm rule import "minio/$1" || fail "the lifecycle of bucket $1 was not taken: $2"
  shift 2
done
echo "cold tier: $TIER_NAME is ready"
