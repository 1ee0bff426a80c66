/** Settings of who may read and write. */
import { group, list, wholeNumber } from "./fields";

/** Passwords of the gateways' users. */
export const access = group({
  generations: list(wholeNumber(1, 1_000_000), "one or two integers").describe(
    "Generations of the gateways' passwords that are taken; the stack's own clients use the first. `./obs rotate` changes it",
  ),
}).describe("Users of the gateways of Loki, Mimir and Tempo");
