/** Access policies of the buckets. */

/** The stores, and the keys of their buckets in the setting `objectStorage.buckets`. */
export const bucketsOf = {
  loki: ["loki"],
  mimir: ["mimirBlocks", "mimirRuler", "mimirAlertmanager"],
  tempo: ["tempo"],
} as const;
export type Store = keyof typeof bucketsOf;
export type BucketKey = (typeof bucketsOf)[Store][number];

/** Names of the buckets after the prefix. */
export const bucketNames: Record<BucketKey, string> = {
  loki: "loki-data",
  mimirBlocks: "mimir-blocks",
  mimirRuler: "mimir-ruler",
  mimirAlertmanager: "mimir-alertmanager",
  tempo: "tempo-data",
};

/** Policy of a store's role: list its buckets; read, write and delete their objects. */
export const bucketPolicy = (bucketArns: string[]) => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
      Resource: bucketArns,
    },
    {
      Effect: "Allow",
      Action: [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
      ],
      Resource: bucketArns.map((arn) => `${arn}/*`),
    },
  ],
});

/**
 * Trust policy of a role that only one ServiceAccount of one cluster can assume, by the tags of its EKS Pod Identity:
 * https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
 */
export const trustPolicy = (cluster: string, namespace: string, serviceAccount: string) => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { Service: "pods.eks.amazonaws.com" },
      Action: ["sts:AssumeRole", "sts:TagSession"],
      Condition: {
        StringEquals: {
          "aws:RequestTag/eks-cluster-name": cluster,
          "aws:RequestTag/kubernetes-namespace": namespace,
          "aws:RequestTag/kubernetes-service-account": serviceAccount,
        },
      },
    },
  ],
});

/** Policy of a bucket: it denies requests without TLS. */
export const tlsOnly = (bucketArn: string) => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [bucketArn, `${bucketArn}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
});
