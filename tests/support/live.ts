/** The running stack for the test layers that need a real cluster. */
import type { KubeConfig } from "@kubernetes/client-node";
import { connect } from "../../cli/lib/cluster";
import type { Settings } from "../../settings";
import { needs, skip } from "./tools";

export interface LiveStack {
  stack: string;
  settings: Settings;
  config: KubeConfig;
}

/** The stack in OBS_TEST_STACK, with kubectl and helm; otherwise the suite is skipped. For use in a `before` hook. */
export async function liveStack(context: Mocha.Context): Promise<LiveStack> {
  const stack = process.env["OBS_TEST_STACK"] ?? skip(context, "OBS_TEST_STACK names no running stack");
  needs(context, "kubectl", "helm");
  const { settings, config } = await connect(stack);
  return { stack, settings, config };
}
