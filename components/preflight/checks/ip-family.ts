import { type Check, error } from "../check";

/** Programs listen on addresses of the same IP family as Services. */
export const check: Check<"services"> = {
  name: "IP family",
  needs: ["services"],
  find({ settings, facts: { services } }) {
    const was = settings.network.ipFamily;
    const api = services.find(
      ({ metadata }) => metadata?.namespace === "default" && metadata.name === "kubernetes",
    );
    const family = api?.spec?.ipFamilies?.[0];
    if (family === undefined || family === was) return [];
    return [
      error({
        path: "network.ipFamily",
        was,
        allowed: `${family}, the first IP family of the cluster's Services`,
      }),
    ];
  },
};
