/** An S3 that a program passes to `ObjectStorage`, with its values resolved. */
import { z } from "zod";
import { problemsOf, SettingsError } from "./index";
import { type Settings, schema } from "./schema";

type ObjectStorage = Settings["objectStorage"];

/** Like `objectStorage.external`, but without the keys themselves, and with the names of buckets. */
export interface S3
  extends Pick<
    NonNullable<ObjectStorage["external"]>,
    "endpoint" | "region" | "tls" | "pathStyle" | "roles"
  > {
  /** Static keys in Secrets, or the AWS identity of the pods. */
  credentials: "keys" | "identity";
  /** Buckets by key; other buckets have the names in the settings. */
  buckets: Partial<Record<keyof ObjectStorage["buckets"], string>>;
}

const { external, buckets } = schema.shape.objectStorage.shape;
const passed = z.object({ objectStorage: z.object({ external, buckets: buckets.partial() }) });

/**
 * The settings with this S3 as the object storage.
 *
 * @throws SettingsError with every value that is invalid as a setting
 */
export function withS3(settings: Settings, s3: S3): Settings {
  const { buckets, ...external } = s3;
  const named = Object.entries(buckets).map(([key, name]) => [key, { name }]);
  const wanted = { objectStorage: { external, buckets: Object.fromEntries(named) } };
  const result = passed.safeParse(wanted);
  if (!result.success) {
    const change = "Fix it in the argument s3 of ObjectStorage";
    const problems = result.error.issues.flatMap((issue) => problemsOf(issue, wanted));
    throw new SettingsError(
      undefined,
      problems.map((problem) => ({ ...problem, change })),
    );
  }
  const { objectStorage } = result.data;
  return {
    ...settings,
    objectStorage: {
      ...settings.objectStorage,
      kind: "external",
      external: objectStorage.external,
      buckets: { ...settings.objectStorage.buckets, ...objectStorage.buckets } as ObjectStorage["buckets"],
    },
  };
}
