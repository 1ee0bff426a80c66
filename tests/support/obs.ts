/** The command line of `obs`, as the documentation's calls of it are compared with it. */
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
