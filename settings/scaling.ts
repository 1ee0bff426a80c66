/** Settings of what grows and shrinks by itself. */

import { group, oneOf, wholeNumber, yesNo } from "./fields";
import { duration } from "./units";

/** Who scales, by what, and where the numbers for it come from. */
export const scaling = group({
  cpu: wholeNumber(10, 100).describe(
    "Percent of the requested CPU that queriers are kept at, where their maxReplicas is more than their replicas",
  ),
  calmDown: duration().describe("How long less has to be enough before a replica is taken away"),
  metricsServer: oneOf("auto", "install", "existing").describe(
    "metrics-server, which queriers are scaled by: `auto` uses the cluster's and installs one if there is none",
  ),
  kubeletCertificates: yesNo().describe(
    "Whether metrics-server checks kubelets' certificates; kubeadm's and kind's are signed by nobody",
  ),
  keda: oneOf("auto", "install", "existing").describe(
    "KEDA, which scales Alloy by its targets: `auto` uses the cluster's and installs it if there is none; one cluster runs one KEDA",
  ),
  ingesters: oneOf("off", "recommend", "auto").describe(
    "Vertical autoscaling of the ingesters: `recommend` shows the recommended requests, `auto` applies them, one restart at a time",
  ),
  verticalPodAutoscaler: oneOf("auto", "install", "existing").describe(
    "The Vertical Pod Autoscaler, if ingesters is not off: `auto` uses the cluster's and installs it if there is none",
  ),
}).describe("Scaling");
