import { type Check, error } from "../check";

/** cert-manager exists if a setting uses it. */
export const check: Check<"definitions"> = {
  name: "cert-manager",
  needs: ["definitions"],
  applies: ({ network, openTelemetryOperator }) =>
    network.tls.certificates === "certManager" || openTelemetryOperator.certManager,
  find({ settings, facts: { definitions } }) {
    if (definitions.some(({ name }) => name === "certificates.cert-manager.io")) return [];
    const because = "the cluster has no CRD certificates.cert-manager.io; or install cert-manager first";
    return [
      ...(settings.network.tls.certificates === "certManager"
        ? [
            error({
              path: "network.tls.certificates",
              was: "certManager",
              allowed: `ownCa or none: ${because}`,
            }),
          ]
        : []),
      ...(settings.openTelemetryOperator.certManager
        ? [error({ path: "openTelemetryOperator.certManager", was: true, allowed: `false: ${because}` })]
        : []),
    ];
  },
};
