import * as pulumi from "@pulumi/pulumi";
import { type NamespaceKey, namespaceKey, namespaceKeys } from "../names";
import { type Settings, UserError } from "../settings";
import { type S3, withS3 } from "../settings/s3";

/** Names of existing namespaces, by key. `Needed` are those that a component installs into. */
export type NamespaceNames<Needed extends NamespaceKey = never> = {
  readonly [Key in Needed]: pulumi.Input<string>;
} & {
  readonly [Key in NamespaceKey]?: pulumi.Input<string>;
} & {
  /**
   * Whether these are the names from the settings: values use them before the namespaces exist, without waiting for
   * them.
   */
  readonly decided?: true;
};

/** Resources that must exist before the pods of a namespace or consumer start. */
export interface Ready<Who extends string = NamespaceKey> {
  readyFor(who: Who): pulumi.Resource[];
}

/** Arguments of most components. */
export interface ComponentArgs<Needed extends NamespaceKey> {
  /** Settings: those of the stack, or those of `defineSettings`. */
  settings: Settings;
  /** Names of namespaces. A component reaches others in these namespaces. */
  namespaces: NamespaceNames<Needed>;
  /** Credentials for the gateways of Loki, Mimir and Tempo. */
  access: Ready;
  /** CRDs of Prometheus Operator, if this program installs them. */
  crds?: pulumi.Resource[];
}

/** Arguments of components that serve or verify TLS. */
export interface TlsArgs {
  /** Certificates of servers, and the CA certificate for their clients. */
  certificates: Ready;
}

/** The keys that have a namespace, each with its name. */
export const present = <Key extends NamespaceKey>(
  namespaces: NamespaceNames,
  keys: readonly Key[],
): [Key, pulumi.Input<string>][] =>
  keys.flatMap((key) => {
    const name = namespaces[key];
    return name === undefined ? [] : [[key, name]];
  });

/** Two components in one namespace would overwrite each other's Secrets. */
function refuseShared(names: Readonly<Record<string, string>>): void {
  for (const [key, name] of Object.entries(names)) {
    const other = Object.keys(names).find((one) => one !== key && names[one] === name);
    if (other)
      throw new UserError(
        `namespaces.${key}: invalid value "${name}" (must be a namespace of its own, but namespaces.${other} is the same)`,
      );
  }
}

/** The settings, with values that a program may know only during the deployment: names of namespaces, and its S3. */
export function knownSettings(args: {
  settings: Settings;
  namespaces: NamespaceNames;
  storage?: { s3: pulumi.Output<S3> | undefined };
}): pulumi.Output<Settings> {
  const { settings, namespaces } = args;
  const given: Record<string, pulumi.Input<string>> = Object.fromEntries(
    namespaces.decided ? [] : present(namespaces, namespaceKeys),
  );
  return pulumi.all([pulumi.all(given), args.storage?.s3]).apply(([names, s3]) => {
    refuseShared(names);
    const named = { ...settings, namespaces: { ...settings.namespaces, names } };
    return s3 ? withS3(named, s3) : named;
  });
}

/** The name of a namespace, given its name in the cluster. Resources that use it depend on the namespace. */
export function placed(
  { settings, namespaces }: { settings: Settings; namespaces: NamespaceNames },
  namespace: string,
): pulumi.Input<string> {
  const key = namespaceKey(settings, namespace);
  const name = key && namespaces[key];
  if (!name) throw new Error(`${namespace} is no namespace of this stack`);
  return name;
}

/**
 * Names of a component's children in Pulumi. If the component has its usual name, they do not include it, so that they
 * are the same in every stack. Otherwise they do, so that a program can have two components of the same type.
 */
export const childNames =
  (name: string, usual: string) =>
  (child: string): string =>
    name === usual ? child : `${name}-${child}`;
