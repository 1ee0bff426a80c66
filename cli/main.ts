/** Runs `obs`. */
import { UserError } from "../settings";
import { commandLine } from "./commands";

commandLine()
  .parseAsync()
  .catch((error: unknown) => {
    // A mistake of the user is a message; anything else is ours and shows where it happened.
    console.error(error instanceof UserError ? `obs: ${error.message}` : error);
    // A request that was given up may still be open, and would delay the end.
    process.exit(1);
  });
