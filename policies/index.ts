/** The CrossGuard pack. Each rule is a named pure function over an object; this file only lists them. */
import { PolicyPack } from "@pulumi/policy";

new PolicyPack("observability", { policies: [] });
