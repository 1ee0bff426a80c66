/** Mistakes in a stack's settings, in every section, each with its whole message. */
import { installation } from "./installation";
import type { Mistake } from "./mistake";
import { signals } from "./signals";

export * from "./mistake";

/** All of them; each is rejected before any change. */
export const mistakes: Mistake[] = [...installation, ...signals];
