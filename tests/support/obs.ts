/** The command line of `obs`, with which calls in the documentation are compared. */
import { commandLine } from "../../cli/commands";

/** The options of each command, short and long: `-o`, `--out`, `--no-flush`. */
export const obsOptions = (): Map<string, Set<string>> =>
  new Map(
    commandLine().commands.map((command) => [
      command.name(),
      new Set(
        command.options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined)),
      ),
    ]),
  );
