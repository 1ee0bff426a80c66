/** The share of traces that is kept: by SDKs, or by tail sampling in Alloy. */
import { samplingRatioAttribute } from "../names";
import type { Settings } from "../settings";

/** The share of traces that the SDKs keep, which limits all later stages. */
export const sdkRatio = ({ tracing: { sampling } }: Settings): number =>
  sampling.appliedBy === "sdk" ? sampling.ratio : 1;

/** Services whose SDKs have their own share. */
export const sdkRatios = ({ tracing: { sampling } }: Settings): Record<string, number> =>
  sampling.appliedBy === "sdk" ? sampling.services : {};

/** A policy that keeps a share of the traces with spans of the given services, or of all others. */
const share = (name: string, ratio: number, serviceNames: string[], none: boolean): string => `
policy {
  name = ${JSON.stringify(name)}
  type = "and"

  and {
    and_sub_policy {
      name = "services"
      type = "string_attribute"

      string_attribute {
        key          = "service.name"
        values       = ${JSON.stringify(serviceNames)}
        invert_match = ${none}
      }
    }

    and_sub_policy {
      name = "share"
      type = "probabilistic"

      probabilistic {
        sampling_percentage = ${Number((ratio * 100).toFixed(6))}
      }
    }
  }
}`;

/** Traces of a client that sampled them already keep its share. */
const sampledBefore = `
policy {
  name = "sampled before"
  type = "ottl_condition"

  ottl_condition {
    error_mode = "ignore"
    span       = [\`resource.attributes[${JSON.stringify(samplingRatioAttribute)}] < 1.0 or attributes[${JSON.stringify(samplingRatioAttribute)}] < 1.0\`]
  }
}`;

/** The shares of the settings as policies of Alloy: one for each service with its own share, one for all others. */
export function shares({ tracing: { sampling } }: Settings): string {
  const own = Object.entries(sampling.services);
  return [
    sampledBefore,
    ...own.map(([service, ratio]) => share(`service ${service}`, ratio, [service], false)),
    share("all others", sampling.ratio, own.length ? own.map(([service]) => service) : [""], true),
  ].join("\n");
}
