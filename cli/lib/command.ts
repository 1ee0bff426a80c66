/** Helpers for the registration of commands. */

/** The argument that names a stack. */
export const stackArgument = ["[stack]", "name of the stack, as in Pulumi.<stack>.yaml", "dev"] as const;

/** Runs an action that returns the exit code. */
export const exit = async (action: () => Promise<number>): Promise<void> => {
  process.exitCode = await action();
};
