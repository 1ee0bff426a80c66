/** Runs `obs`. */
import { UserError } from "../settings";
import { commandLine } from "./commands";

commandLine()
  .parseAsync()
  .catch((error: unknown) => {
    // A mistake of the user is a message; anything else is ours and shows where it happened.
    console.error(error instanceof UserError ? `obs: ${error.message}` : error);
    process.exitCode = 1;
  });
