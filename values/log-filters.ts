/** OTTL conditions of log entries that are dropped on purpose, for logs from files and for OTLP logs. */
import type { Settings } from "../settings";
import { checkName } from "./health-checks";
import { anyOf } from "./shared";

const matches = (value: string, expression: string) => `IsMatch(${value}, ${JSON.stringify(expression)})`;

/** The first line of a stack trace. */
const trace = String.raw`(?m)^(Traceback \(most|goroutine \d+ \[|[\w.$]+(Error|Exception)(: |$))`;

/** Words in errors without a level. */
const errorWords = [
  ...["error", "fatal", "panic", "exception", "traceback", "fail", "critical", "denied", "refused"],
  ...["timeout", "timed out", "unable", "cannot", "could not", "unavailable", "unreachable"],
  ...["unauthorized", "forbidden", "invalid", "not found", "no such", "no space", "too many", "exceeded"],
  ...["expired", "aborted", "killed", "oom", "corrupt", "lost", "reset by"],
];

/**
 * Successful health checks, which have their own attribute, and entries that are not errors in namespaces with
 * `errorsOnly`. A stack trace is an error, whatever the level of its first line. Without a level the text decides; in
 * doubt the entry is kept.
 */
export const leftOut = ({ alloyLogs: { errorsOnly } }: Settings): string[] => {
  const here = matches('resource.attributes["namespace"]', `^(${anyOf(errorsOnly)})$`);
  return [
    `log.attributes["${checkName}"] != nil`,
    `${here} and ${matches('log.attributes["level"]', "debug|info|warn")} and not ${matches("log.body", trace)}`,
    `${here} and log.attributes["level"] == nil and not ${matches("log.body", `(?i)(${errorWords.join("|")})`)}`,
  ];
};

/**
 * Maximum bytes of a line. A longer one would make its batch too large, and the other lines of the batch would be lost
 * too. Loki's own limit is lower.
 */
const longestLine = 900_000;

/** Truncates a line that is too long, and marks it. */
export const cutStatement = `set(log.body, Concat([Substring(log.body, 0, ${longestLine}), " [truncated]"], "")) where Len(log.body) > ${longestLine}`;
