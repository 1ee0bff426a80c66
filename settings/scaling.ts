/** Settings of autoscaling. */

import { group, oneOf, wholeNumber, yesNo } from "./fields";
import { duration } from "./units";

/** Autoscalers, their targets, and the sources of their metrics. */
export const scaling = group({
  cpu: wholeNumber(10, 100).describe(
    "Target CPU utilization of queriers in percent of their requests, if their maxReplicas is more than their replicas",
  ),
  calmDown: duration().describe("How long fewer replicas must be sufficient before one is removed"),
  metricsServer: oneOf("auto", "install", "existing").describe(
    "metrics-server, which provides CPU usage for the autoscaling of queriers: `auto` uses the cluster's, and installs it if there is none",
  ),
  kubeletCertificates: yesNo().describe(
    "Whether metrics-server verifies the kubelets' certificates; those of kubeadm and kind are self-signed",
  ),
  keda: oneOf("auto", "install", "existing").describe(
    "KEDA, which scales Alloy by its targets: `auto` uses the cluster's and installs it if there is none; a cluster can have only one KEDA",
  ),
  ingesters: oneOf("off", "recommend", "auto").describe(
    "Vertical autoscaling of the ingesters: `recommend` shows the recommended CPU and memory, `auto` applies the CPU, one restart at a time",
  ),
  verticalPodAutoscaler: oneOf("auto", "install", "existing").describe(
    "The Vertical Pod Autoscaler, if ingesters is not off: `auto` uses the cluster's and installs it if there is none",
  ),
}).describe("Scaling");
