import { installsVerticalPodAutoscaler, needsVerticalPodAutoscaler } from "../../../values/scaling";
import { addOns, leftovers } from "../add-ons";
import { type Check, warning } from "../check";

const { objects, path } = addOns.verticalPodAutoscaler;
const group = "autoscaling.k8s.io";

/**
 * The Vertical Pod Autoscaler of another installation runs, and did not only leave its CRDs: Helm never deletes those in
 * a chart's `crds/`, so that this stack finds its own after `down`. A managed one has no pods in the cluster, but a webhook.
 */
export const check: Check<"definitions" | "apiServices" | "releases" | "pods" | "webhookGroups"> = {
  name: "Vertical Pod Autoscaler",
  needs: ["definitions", "apiServices", "releases", "pods", "webhookGroups"],
  applies: (settings) => needsVerticalPodAutoscaler(settings) && !installsVerticalPodAutoscaler(settings),
  find({ facts }) {
    const runs =
      facts.webhookGroups.includes(group) ||
      facts.pods.some(({ metadata }) => metadata?.name?.includes("recommender"));
    // Without CRDs, the check of add-ons reports it.
    if (runs || objects(facts).length === 0) return [];
    return [
      warning({
        path,
        was: "existing",
        allowed:
          "auto or install, unless it starts: the cluster has its CRDs, but no pod of its recommender, so ingesters get no recommendations",
        change: leftovers(path, group),
      }),
    ];
  },
};
