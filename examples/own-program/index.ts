/** Logs of a cluster, with two components of the observability stack: Loki with a bucket of this program, and Alloy on every node. */
import * as k8s from "@pulumi/kubernetes";
import * as minio from "@pulumi/minio";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { AlloyLogs, defineSettings, GatewayAccess, Loki, ObjectStorage } from "observability-stack";

const config = new pulumi.Config();

// Other settings have the defaults of `prod`. An invalid value is an error before anything changes.
const settings = defineSettings({
  environment: "prod",
  cluster: { name: config.require("cluster"), zones: false },
  loki: {
    retention: { application: "14d", system: "7d" },
    ingester: { disk: "30Gi" },
  },
});

function namespace(name: string, podSecurity: "restricted" | "privileged"): pulumi.Output<string> {
  const labels = { "pod-security.kubernetes.io/enforce": podSecurity };
  return new k8s.core.v1.Namespace(name, { metadata: { name, labels } }).metadata.name;
}
const namespaces = {
  loki: namespace("logging", "restricted"),
  // Its pods read the log files of the node.
  alloyLogs: namespace("log-collectors", "privileged"),
};

// The bucket, and a user with access to this bucket only. The provider's address and credentials are in
// Pulumi.prod.yaml.
const { bucket } = new minio.S3Bucket("logs", { bucket: "logs", acl: "private" });
const { result: secret } = new random.RandomPassword("loki", { length: 40, special: false });
const user = new minio.IamUser("loki", { name: "loki", secret });
const policy = new minio.IamPolicy("loki", {
  name: "loki",
  policy: pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:GetBucketLocation", "s3:ListBucket"],
        Resource: [pulumi.interpolate`arn:aws:s3:::${bucket}`],
      },
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        Resource: [pulumi.interpolate`arn:aws:s3:::${bucket}/*`],
      },
    ],
  }),
});
const grant = new minio.IamUserPolicyAttachment("loki", { userName: user.name, policyName: policy.name });

const storage = new ObjectStorage("object-storage", {
  settings,
  namespaces,
  s3: {
    endpoint: config.require("s3Endpoint"),
    region: "us-east-1",
    pathStyle: true,
    buckets: { loki: bucket },
    credentials: { loki: { accessKey: user.name, secretKey: secret } },
  },
});
const access = new GatewayAccess("gateway-access", { settings, namespaces });
const loki = new Loki(
  "loki",
  { settings, namespaces, access, storage },
  {
    dependsOn: grant,
    // A transform can change any resource of the component.
    transforms: [
      ({ type, props, opts }) =>
        type === "kubernetes:helm.sh/v3:Release"
          ? { props: { ...props, description: "Logs of the cluster" }, opts }
          : undefined,
    ],
  },
);
new AlloyLogs("alloy-logs", { settings, namespaces, access });

/** URL for queries and pushes inside the cluster. */
export const lokiUrl = loki.url;
/** Passwords of the gateway's users: `logs-read` and `logs-write`. */
export const lokiPasswords = access.passwords.loki;
