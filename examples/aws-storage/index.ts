/** Object storage of the observability stack in AWS: its buckets, and a role for each store through EKS Pod Identity. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type BucketKey, bucketNames, bucketPolicy, bucketsOf, type Store, trustPolicy } from "./access";
import { PrivateBucket } from "./bucket";

const config = new pulumi.Config();
const prefix = config.require("prefix");
const cluster = config.require("cluster");
const namespacePrefix = config.get("namespacePrefix") ?? "";
const days: Partial<Record<BucketKey, number>> = {
  loki: config.requireNumber("lokiDays"),
  mimirBlocks: config.requireNumber("mimirDays"),
  tempo: config.requireNumber("tempoDays"),
};

const bucket = (key: BucketKey) => {
  const expireAfterDays = days[key];
  return new PrivateBucket(key, {
    name: `${prefix}-${bucketNames[key]}`,
    ...(expireAfterDays !== undefined && { expireAfterDays }),
  });
};
const buckets = {
  loki: bucket("loki"),
  mimirBlocks: bucket("mimirBlocks"),
  mimirRuler: bucket("mimirRuler"),
  mimirAlertmanager: bucket("mimirAlertmanager"),
  tempo: bucket("tempo"),
};

/** The role of a store, bound to the ServiceAccount of its pods: loki/loki, mimir/mimir, tempo/tempo. */
function role(store: Store): pulumi.Output<string> {
  const [namespace, serviceAccount] = [namespacePrefix + store, store];
  const { arn, name } = new aws.iam.Role(store, {
    name: `${prefix}-${store}`,
    assumeRolePolicy: JSON.stringify(trustPolicy(cluster, namespace, serviceAccount)),
  });
  const arns = pulumi.all(bucketsOf[store].map((key) => buckets[key].arn));
  new aws.iam.RolePolicy(store, {
    role: name,
    policy: arns.apply((all) => JSON.stringify(bucketPolicy(all))),
  });
  new aws.eks.PodIdentityAssociation(store, {
    clusterName: cluster,
    namespace,
    serviceAccount,
    roleArn: arn,
  });
  return arn;
}

export const roles = { loki: role("loki"), mimir: role("mimir"), tempo: role("tempo") };

const region = aws.getRegionOutput().region;

/** The setting `objectStorage` of the observability stack. */
export const objectStorage = {
  kind: "external",
  external: {
    endpoint: pulumi.interpolate`s3.${region}.amazonaws.com`,
    region,
    tls: true,
    pathStyle: false,
    credentials: "identity",
  },
  buckets: Object.fromEntries(Object.entries(buckets).map(([key, { name }]) => [key, { name }])),
};
