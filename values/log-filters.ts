/** Which log entries are left out on purpose, as OTTL conditions: of logs from files and of those that arrive by OTLP. */
import type { Settings } from "../settings";
import { checkName } from "./health-checks";
import { anyOf } from "./shared";

const matches = (value: string, expression: string) => `IsMatch(${value}, ${JSON.stringify(expression)})`;

/** The head of a stack trace. */
const trace = String.raw`(?m)^(Traceback \(most|goroutine \d+ \[|[\w.$]+(Error|Exception)(: |$))`;

/** What an error says that has no level. */
const errorWords = [
  ...["error", "fatal", "panic", "exception", "traceback", "fail", "critical", "denied", "refused"],
  ...["timeout", "timed out", "unable", "cannot", "could not", "unavailable", "unreachable"],
  ...["unauthorized", "forbidden", "invalid", "not found", "no such", "no space", "too many", "exceeded"],
  ...["expired", "aborted", "killed", "oom", "corrupt", "lost", "reset by"],
];

/**
 * Successful health checks, which have an attribute of their own, and what is no error in namespaces of which only errors are kept.
 * A stack trace is one, whatever the level of the line before it. Without a level the text decides, and in doubt the entry stays.
 */
export const leftOut = ({ alloyLogs: { errorsOnly } }: Settings): string[] => {
  const here = matches('resource.attributes["namespace"]', `^(${anyOf(errorsOnly)})$`);
  return [
    `log.attributes["${checkName}"] != nil`,
    `${here} and ${matches('log.attributes["level"]', "debug|info|warn")} and not ${matches("log.body", trace)}`,
    `${here} and log.attributes["level"] == nil and not ${matches("log.body", `(?i)(${errorWords.join("|")})`)}`,
  ];
};

/** Bytes of a line: with a longer one a batch would be too large, and its other lines would be lost with it. Loki's own limit is lower. */
const longestLine = 900_000;

/** Cuts a line that is too long, and says so. */
export const cutStatement = `set(log.body, Concat([Substring(log.body, 0, ${longestLine}), " [truncated]"], "")) where Len(log.body) > ${longestLine}`;
