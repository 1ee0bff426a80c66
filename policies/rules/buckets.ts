/** Object storage: the buckets, and access to them. */
import { always, type StackRule, type Subject, type SubjectRule, type Tree, type Violation } from "../rule";

const buckets = (subjects: Subject[]): Subject[] => subjects.filter(({ kind }) => kind === "S3Bucket");

/**
 * Whether a resource refers to a bucket. The name of a bucket to be created is unknown to resources that
 * refer to it, but this program gives both the same name.
 */
const isOf = (bucket: Subject, { object, name }: Subject): boolean =>
  (object["bucket"] ?? object["resourceName"] ?? name) === bucket.name;

/** A rule that requires a related resource for every bucket. */
const beside = (
  rule: Pick<StackRule, "id" | "requires" | "why">,
  kind: string,
  complain: (found: Subject[], bucket: Subject) => Violation | undefined,
): StackRule => ({
  ...rule,
  level: always,
  checkStack: (subjects) =>
    buckets(subjects).flatMap((subject) => {
      const found = subjects.filter((other) => other.kind === kind && isOf(subject, other));
      const complaint = complain(found, subject);
      return complaint ? [{ subject, ...complaint }] : [];
    }),
});

/** A statement of an IAM policy. */
interface Statement {
  Effect?: string;
  Action?: string | string[];
  Resource?: string | string[];
  NotAction?: unknown;
  NotResource?: unknown;
  Principal?: unknown;
}

const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

/** Statements of an IAM policy that allow something; empty if the policy is unknown. */
function allowing(object: Tree): Statement[] {
  try {
    const { Statement } = JSON.parse(String(object["policy"] ?? "{}")) as {
      Statement?: Statement | Statement[];
    };
    return [Statement ?? []].flat().filter(({ Effect }) => Effect !== "Deny");
  } catch {
    return [];
  }
}

/** Whether a principal includes everyone: `*`, alone, in a list or of a kind such as `AWS`. */
const anyone = (principal: unknown): boolean =>
  principal === "*" ||
  (typeof principal === "object" && principal !== null && Object.values(principal).some(anyone));

export const bucketsPrivate: SubjectRule = {
  id: "buckets-private",
  requires: "No bucket is public: its ACL is private, and no bucket policy allows anonymous access.",
  why: "logs, metrics and traces contain customer activity and system details",
  level: always,
  check: ({ kind, object }) => {
    if (kind === "S3Bucket")
      return (object["acl"] ?? "private") === "private"
        ? []
        : [{ what: `acl is ${object["acl"]}`, fix: "Set acl to private." }];
    if (kind !== "S3BucketPolicy" && kind !== "S3BucketAnonymousAccess") return [];
    const open = allowing(object).some(({ Principal }) => anyone(Principal));
    return kind === "S3BucketAnonymousAccess" || open
      ? [{ what: "anyone may read or write", fix: "Remove the statement; each store has its own user." }]
      : [];
  },
};

export const bucketsEncrypted = beside(
  {
    id: "buckets-encrypted",
    requires: "Every bucket encrypts its objects.",
    why: "a stolen or discarded disk would be readable",
  },
  "S3BucketServerSideEncryption",
  ([encryption]) =>
    encryption?.object["encryptionType"]
      ? undefined
      : {
          what: "no S3BucketServerSideEncryption is set for it",
          fix: "Add one, as components/object-storage/buckets.ts does.",
        },
);

export const bucketsLifecycle = beside(
  {
    id: "buckets-lifecycle",
    requires: "Every bucket has a lifecycle that removes old objects, or old versions of them.",
    why: "objects that a component misses would be stored, and paid for, indefinitely",
  },
  "IlmPolicy",
  ([lifecycle]) => {
    const rules = (lifecycle?.object["rules"] ?? []) as Tree[];
    return rules.some(
      (rule) => rule["expiration"] || rule["noncurrentVersionExpirationDays"] || rule["noncurrentExpiration"],
    )
      ? undefined
      : {
          what: "no lifecycle rule deletes objects in it",
          fix: "Add an IlmPolicy with an expiration (values/minio-access.ts).",
        };
  },
);

const bucketOf = (resource: string): string => (resource.split(":::")[1] ?? resource).split("/")[0] ?? "";

/** Users of backups, which share every bucket with its owner, and the only actions that they may have. */
const backupActions: Record<string, RegExp> = {
  backup: /^s3:(Get|List)/,
  restore: /^s3:(Get|List|Put|Abort)/,
};

const isBackup = (policy: Subject): boolean => {
  const allowed = backupActions[policy.name];
  return (
    allowed !== undefined &&
    allowing(policy.object).every(({ Action }) => list(Action).every((one) => allowed.test(one)))
  );
};

export const bucketsOwned: StackRule = {
  id: "buckets-owned",
  requires:
    "Exactly one user, the owner, has a policy for each bucket, apart from the users of backups, which delete nothing.",
  why: "a user with access to another's bucket can read or delete its data",
  level: always,
  checkStack: (subjects) => {
    const policies = subjects.filter((subject) => subject.kind === "IamPolicy" && !isBackup(subject));
    return buckets(subjects).flatMap((subject) => {
      const owners = policies.filter((policy) =>
        allowing(policy.object).some(({ Resource }) =>
          list(Resource).some((one) => bucketOf(one) === subject.name),
        ),
      );
      if (owners.length === 1) return [];
      // Sorted, because the engine reports resources in the order in which they become known.
      const names = owners
        .map(({ name }) => name)
        .sort()
        .join(", ");
      return [
        {
          subject,
          what: owners.length ? `policies ${names} all allow access to it` : "no policy allows access to it",
          fix: "Allow exactly one store (bucketsOf in names.ts).",
        },
      ];
    });
  },
};

export const iamNoWildcards: SubjectRule = {
  id: "iam-no-wildcards",
  requires: "No policy of MinIO allows every action, every action of a service, or every bucket.",
  why: "a user with it can read and delete all data, and create users",
  level: always,
  check: (subject) =>
    subject.kind !== "IamPolicy"
      ? []
      : allowing(subject.object).flatMap(({ Action, Resource, NotAction, NotResource }) => [
          ...(NotAction
            ? [
                {
                  what: "it allows every action but those of NotAction",
                  fix: "List the actions that the store needs.",
                },
              ]
            : []),
          ...(NotResource
            ? [
                {
                  what: "it allows them on every bucket but those of NotResource",
                  fix: "List the store's buckets.",
                },
              ]
            : []),
          ...list(Action)
            .filter((action) => /[*?]/.test(action))
            .map((action) => ({
              what: `it allows action ${action}`,
              fix: "List the actions that the store needs.",
            })),
          ...list(Resource)
            .filter((resource) => /[*?]/.test(bucketOf(resource)))
            .map((resource) => ({
              what: `it allows them on ${resource}`,
              fix: "List the store's buckets.",
            })),
        ]),
};
