/** Rules about external object storage. */
import { type Check, problem } from "./check";

const stores = ["loki", "mimir", "tempo"] as const;

const externalStorage: Check = ({ objectStorage: { kind, external } }) => {
  if (kind !== "external") return [];
  if (!external)
    return problem(true, "objectStorage.external", undefined, "set, because objectStorage.kind is external");
  if (external.credentials === "identity") return [];
  return stores.flatMap((store) =>
    problem(
      external[store] === undefined,
      `objectStorage.external.${store}`,
      undefined,
      "an accessKey and a secretKey (set with --secret), because objectStorage.kind is external",
    ),
  );
};

/** Static keys and roles exclude each other: keys in the environment would take precedence. */
const externalIdentity: Check = ({ objectStorage: { kind, external } }) => {
  if (kind !== "external" || !external) return [];
  if (external.credentials !== "identity")
    return problem(
      external.roles !== undefined,
      "objectStorage.external.roles",
      external.roles,
      "nothing, because objectStorage.external.credentials is not identity",
    );
  return stores.flatMap((store) =>
    problem(
      external[store] !== undefined,
      `objectStorage.external.${store}`,
      "[secret]",
      "nothing, because objectStorage.external.credentials is identity",
    ),
  );
};

const azureStorage: Check = ({ objectStorage: { kind, azure } }) =>
  problem(
    kind === "azure" && azure === undefined,
    "objectStorage.azure",
    undefined,
    "set, because objectStorage.kind is azure",
  );

export const externalStorageChecks: Check[] = [externalStorage, externalIdentity, azureStorage];
