/** The example that creates object storage in AWS: with mocks, if its packages are installed. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type * as Pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { parse } from "yaml";
import { root } from "../../cli/lib/stack-config";
import {
  bucketNames,
  bucketPolicy,
  bucketsOf,
  type Store,
  trustPolicy,
} from "../../examples/aws-storage/access";
import { consumers, bucketsOf as ownBuckets } from "../../names";
import { readSettings } from "../../settings";
import { bucketLifecycles, consumerPolicy } from "../../values/minio-access";
import { settingsOf } from "../support/stacks";
import { skip } from "../support/tools";

const folder = join(root, "examples", "aws-storage");
const region = "eu-central-1";
const config: Record<string, string> = Object.fromEntries(
  Object.entries(parse(readFileSync(join(folder, "Pulumi.prod.yaml"), "utf8")).config).map(([key, value]) => [
    key,
    String(value),
  ]),
);

// biome-ignore lint/suspicious/noExplicitAny: tests read nested inputs
type Any = any;
interface Resource {
  type: string;
  name: string;
  inputs: Any;
}

describe("examples: access to buckets in AWS", () => {
  it("matches the stack's own policies for the buckets of each store", () => {
    expect(bucketsOf).to.deep.equal(ownBuckets);
    const settings = settingsOf("prod");
    expect(bucketNames).to.deep.equal(
      Object.fromEntries(
        Object.entries(settings.objectStorage.buckets).map(([key, { name }]) => [key, name]),
      ),
    );
    for (const store of consumers) {
      const arns = bucketsOf[store].map((key) => `arn:aws:s3:::${bucketNames[key]}`);
      expect(bucketPolicy(arns)).to.deep.equal(JSON.parse(consumerPolicy(settings, store)));
    }
  });

  it("is for one ServiceAccount of one cluster", () => {
    const [statement] = trustPolicy("prod", "loki", "loki").Statement;
    expect(statement?.Condition).to.deep.equal({
      StringEquals: {
        "aws:RequestTag/eks-cluster-name": "prod",
        "aws:RequestTag/kubernetes-namespace": "loki",
        "aws:RequestTag/kubernetes-service-account": "loki",
      },
    });
  });

  it("ends after the retention of the prod defaults, and not before", () => {
    const { loki, mimirBlocks, tempo } = bucketLifecycles(settingsOf("prod"));
    expect(
      ["lokiDays", "mimirDays", "tempoDays"].map((key) => Number(config[`aws-storage:${key}`])),
    ).to.deep.equal([loki, mimirBlocks, tempo].map(({ expireAfterDays }) => expireAfterDays));
  });
});

describe("examples: the Pulumi program of storage in AWS", function () {
  this.timeout(300_000);
  const resources: Resource[] = [];
  let outputs: Any;

  before(async function () {
    if (!existsSync(join(folder, "node_modules", "@pulumi", "aws")))
      skip(
        this,
        "the packages of examples/aws-storage are not installed: npm ci --prefix examples/aws-storage",
      );
    // The example's own copy of the SDK.
    const pulumi: typeof Pulumi = require(require.resolve("@pulumi/pulumi", { paths: [folder] }));
    await pulumi.runtime.setMocks(
      {
        newResource: ({ type, name, inputs }) => {
          resources.push({ type, name, inputs });
          const arn = type === "aws:s3/bucket:Bucket" ? `arn:aws:s3:::${inputs.bucket}` : `arn:${name}`;
          return { id: `${name}-id`, state: { ...inputs, arn } };
        },
        call: () => ({ region }),
      },
      "aws-storage",
      "prod",
    );
    pulumi.runtime.setAllConfig(config);
    const program: Record<string, unknown> = require(join(folder, "index.ts"));
    outputs = await new Promise((done) => pulumi.output({ ...program }).apply(done));
    await pulumi.runtime.disconnect();
  });

  const of = (type: string) => resources.filter((one) => one.type === type);
  const byName = (type: string) => Object.fromEntries(of(type).map(({ name, inputs }) => [name, inputs]));

  it("compiles as strictly as the project", () => {
    const { status, stdout } = spawnSync(join(root, "node_modules", ".bin", "tsc"), ["-p", folder], {
      encoding: "utf8",
    });
    expect(status, stdout).to.equal(0);
  });

  it("gives each role access to its own buckets only, and each ServiceAccount its role", () => {
    const policies = byName("aws:iam/rolePolicy:RolePolicy");
    const roles = byName("aws:iam/role:Role");
    const associations = byName("aws:eks/podIdentityAssociation:PodIdentityAssociation");
    expect(Object.keys(policies)).to.have.members([...consumers]);
    for (const store of consumers) {
      const own = bucketsOf[store].map((key) => `arn:aws:s3:::example-observability-${bucketNames[key]}`);
      const { Statement } = JSON.parse(policies[store].policy) as { Statement: { Resource: string[] }[] };
      const reached = new Set(
        Statement.flatMap(({ Resource }) => Resource).map((arn) => arn.replace(/\/\*$/, "")),
      );
      expect([...reached], store).to.have.members(own);
      expect(policies[store].role).to.equal(roles[store].name);
      expect(JSON.parse(roles[store].assumeRolePolicy)).to.deep.equal(trustPolicy("prod", store, store));
      expect(associations[store]).to.include({
        namespace: store,
        serviceAccount: store,
        roleArn: `arn:${store}`,
      });
    }
  });

  it("encrypts every bucket, blocks public access, and deletes objects after the stores do", () => {
    const keys = Object.keys(bucketNames);
    for (const type of ["bucketPublicAccessBlock:BucketPublicAccessBlock", "bucketPolicy:BucketPolicy"])
      expect(Object.keys(byName(`aws:s3/${type}`)), type).to.have.members(keys);
    for (const inputs of Object.values(byName("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")))
      expect(inputs).to.include({
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
    const encryption = byName(
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    );
    expect(Object.keys(encryption)).to.have.members(keys);
    const lifecycles = byName("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
    const expected = bucketLifecycles(settingsOf("prod"));
    for (const key of Object.keys(expected) as (keyof typeof expected)[]) {
      const [rule] = lifecycles[key].rules;
      expect(rule.expiration?.days, key).to.equal(expected[key].expireAfterDays);
      expect(rule.noncurrentVersionExpiration?.noncurrentDays, key).to.equal(
        expected[key].keepOldVersionsForDays,
      );
    }
    expect(Object.keys(byName("aws:s3/bucketVersioning:BucketVersioning"))).to.have.members([
      "mimirRuler",
      "mimirAlertmanager",
    ]);
  });

  it("outputs the setting objectStorage in a form that the stack accepts", () => {
    const text = JSON.stringify(outputs.objectStorage);
    const { objectStorage } = readSettings("aws", {
      "observability:environment": "dev",
      "observability:objectStorage": text,
    });
    expect(objectStorage.external).to.include({
      endpoint: `s3.${region}.amazonaws.com`,
      credentials: "identity",
    });
    expect(objectStorage.buckets.mimirRuler.name).to.equal("example-observability-mimir-ruler");
    const roles: Record<Store, string> = outputs.roles;
    expect(Object.keys(roles)).to.deep.equal([...consumers]);
  });
});
