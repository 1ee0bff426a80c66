/** The CrossGuard pack: the rules of `rules/`, at the levels of the stack's environment. docs/reference/policies.md */
import { PolicyPack } from "@pulumi/policy";
import { Config } from "@pulumi/pulumi";
import { policiesOf } from "./pack";
import { rules } from "./rules";

/** A stack of another project has no environment; the stricter rules apply. */
const config = new Config("observability");
const environment = config.get("environment") === "dev" ? "dev" : "prod";
const mirror = config.getObject<{ registry?: string }>("images")?.registry;
const { prefix = "" } = config.getObject<{ prefix?: string }>("namespaces") ?? {};

new PolicyPack("observability", { policies: policiesOf(rules, { environment, mirror, prefix }) });
