/** Mistakes in a stack's settings, of every section, each with its whole message. */
import { installation } from "./installation";
import type { Mistake } from "./mistake";
import { signals } from "./signals";

export * from "./mistake";

/** All of them; each is refused before anything is touched. */
export const mistakes: Mistake[] = [...installation, ...signals];
