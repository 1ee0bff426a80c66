/**
 * OTTL statements that find the level of a log entry, for Alloy's `otelcol.processor.transform`:
 * https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/pkg/ottl/README.md
 *
 * `tests/cases/logs-formats.test.ts` has a table of real lines, with a source for each format.
 */

/** Levels, and their names in loggers. The last names are the numbers in pino and bunyan, then in syslog. */
const names: Record<string, string[]> = {
  debug: [
    ...["trace", "trce", "trc", "verbose", "vrb", "debug[1-5]?", "dbug", "dbg", "debu", "debg", "silly"],
    ...["fine", "finer", "finest", "10", "20", "7"],
  ],
  info: [
    "informational",
    "information",
    "info",
    "inf",
    "notice",
    "note",
    "log",
    "success",
    "system",
    "30",
    "6",
    "5",
  ],
  warn: ["warning", "warn", "wrn", "deprecated", "40", "4"],
  error: ["error", "erro", "err", "eror", "severe", "fail", "50", "3"],
  fatal: [
    ...["fatal", "fata", "ftl", "critical", "crit", "crt", "panic", "pani", "dpanic", "alert"],
    ...["emergency", "emerg", "parse", "60", "[0-2]"],
  ],
};

/** Names that are too short or too common to search for in text: letters, Redis' symbols, a winston level. */
const onlyInPlace: Record<string, string> = {
  debug: "d[1-5]?|t|[.]",
  info: "i|n|http|[*-]",
  warn: "w|#",
  error: "e",
  fatal: "f|c",
};

const words = Object.values(names)
  .flat()
  .filter((name) => /^[a-z]/.test(name));
const without = (...some: string[]) => words.filter((word) => !some.includes(word)).join("|");

/** Names that also begin sentences or labels; they are levels only in brackets or capitals. */
const alsoProse = [
  "note",
  "log",
  "success",
  "system",
  "fine",
  "finer",
  "finest",
  "alert",
  "emerg",
  "emergency",
  "parse",
];

/**
 * Text that may precede a level: times, numbers, anything in brackets, logger names that end in a dash, a name before a
 * time or a version, a padded column. These names are in lower case: in capitals they are levels.
 */
const before = (() => {
  const day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec),?";
  const zone = "UTC|GMT|[A-Z]{1,3}T|[AP]M";
  const inBrackets = String.raw`(?:\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|<[^>]*>)[\s|:]*`;
  const withDigit = String.raw`[^\s\d@|\[({<]*[\d@][^\s|\[({<]*`;
  const syslogTag = String.raw`[\w.-]+ [\w./-]+\[\d+\]:`;
  const logger = String.raw`[\w.$/-]+ +-`;
  const ruby = "[A-Z],";
  const pair = String.raw`[\w.-]+=\S*`;
  const endsInBrackets = String.raw`\S+[\])]:\s*`;
  const program = String.raw`[a-z][\w./-]*\[[\d:]+\]`;
  const nameBeforeNumber = String.raw`[A-Z]?[a-z][\w.-]* +\d+[-:/.]\d[\d:./,TZ+-]*`;
  const component = "[A-Z]{3,} [|]";
  const column = String.raw`[A-Z]?[a-z][\w.$/-]*\s{2,}`;
  const one = [
    ...[withDigit, day, zone, ruby, syslogTag, logger, pair, program, nameBeforeNumber, component],
    "[|*:!-]",
  ].join("|");
  return String.raw`^\s{0,8}(?:${inBrackets}|${endsInBrackets}|${column}|(?:${one})(?:\s+[\s|]*|\|\s*))*?`;
})();

/** Positions of a level in a line of text; the first match applies. */
const inText = [
  // logfmt, at the beginning or after a few words: level=error
  String.raw`^(?:[^\s="]+\s+){0,3}?(?:[\w.@-]+=(?:"[^"]*"|'[^']*'|[^\s"]\S*|)\s+)*?(?i:level|lvl|severity|log[._]?level|levelname|severity_text)="?(?P<level>\w+)`,
  // klog: E1128 10:00:00.120, PyTorch: [rank0]:[E1128 10:00:00.120
  String.raw`^(?:\[\w+\]:\[)?(?P<level>[DIWEF])\d{4,8} \d\d:\d\d:\d\d`,
  // A letter after the time: MongoDB up to 4.2 "E NETWORK", etcd up to 3.4 "W | ", Gitea "file.go:1 [E]"
  String.raw`^\d[\d:./, TZ+-]*\s(?:[^\s[]\S* )?\[?(?P<level>[TDINWEFC])(?:\] | [|] | +[A-Z]{3,}\s)`,
  // A letter in other places: Tornado "[E 261128 10:00:00", Telegraf "<time> E! ", CometBFT and Geth "E[11-28|", "ERROR[11-28|",
  // GlusterFS "[<time>] E [MSGID", Ray "[<time> E 12 12]"
  String.raw`^\[(?P<level>[DIWEFC]) \d{2,4}-?\d\d-?\d\d `,
  String.raw`^\d\S+ (?P<level>[TDIWEF])! `,
  String.raw`^(?P<level>[A-Z]{1,5})\s*\[(?:\d{4}-)?\d\d-\d\d[|]`,
  String.raw`^(?:\(\w+\) )?\[\d[\d:., TZ+-]*[\] ] ?(?P<level>[DINWEFC]) (?:\[|[\d ]+\])`,
  // Behind words: Ceph "mon.a (mon.0) 100 : cluster [WRN]", swift-log "<time> error shop : ", Minecraft "[Server thread/ERROR]"
  String.raw`^(?:\S+ ){2,5}(?:\d+ : \w+|log_channel\(\w+\) log) \[(?P<level>\w+)\]`,
  String.raw`^\d\S+[+-]\d{4} (?P<level>${words.join("|")}) [\w.-]+ : `,
  String.raw`^\[[^\]]*\] \[[\w# -]+/(?P<level>[A-Z]+)\]`,
  // Between colons, right after the time: Jetty "10:00:00.120:WARN :oejs", Python ",120:ERROR:superset"
  String.raw`^\d[\d:., T-]*:(?P<level>${words.join("|").toUpperCase()}) ?:`,
  // Redis: 1:M 28 Nov 2026 10:00:00.120 # Out of memory
  String.raw`^\d+:[A-Z] \d\d \w+ \d+ [\d:.]+ (?P<level>[.*#-]) `,
  // PHP, npm, Node.js, Python, Go: "PHP Warning:  x", "npm error x", "(node:1) DeprecationWarning: x", "fatal error: x"
  String.raw`^(?:\[[^\]]*\] )?(?:PHP|npm) (?P<level>(?i:${words.join("|")}))\b`,
  String.raw`^(?:\(node:\d+\)(?: \[\w+\])?|\S+:\d+:) \w*(?P<level>Warning): `,
  "^(?P<level>fatal) error: ",
  // In brackets: [error], [core:error], <err>, [10:00:00 ERR], [2026-11-28T10:00:00Z ERROR app]
  String.raw`${before}(?:[\w.-]+: )??[\[<(](?:\s*|[\w.-]+[:#]|(?:[A-Z]+ )?[\d:.TZ+, -]+[: ]+)(?P<level>(?i:${words.join("|")}))(?:\s*[\])>]|[ /]+\S)`,
  // Before a sign: "error: x", "warn|x", "error<tab>x", "ERROR:root:x"
  String.raw`${before}(?:[\w.-]+: )??(?P<level>(?i:${without(...alsoProse)}))(?:\t|\s*[|]|!| *:(?:\s|$|[\w.]+:))`,
  // In capitals: "ERROR x", "ERRO[0000] x", "app.ERROR: x", "=ERROR REPORT="
  String.raw`${before}(?:[\w-]+[.]|=)?(?P<level>${words.join("|").toUpperCase()})(?:[\s:\]|!]|\[\d+\]|$)`,
];

/** Identifies a stack trace. */
const trace = String.raw`(?m)^(Traceback \(most recent|goroutine \d+ \[|thread '.*panicked at|Unhandled exception|Exception in thread|Uncaught |([\w$]+[.])*[\w$]*(Error|Exception)(: |$)|\s+at \S+.*[)\d]$)`;

const quoted = (expression: string) => JSON.stringify(expression);
const { cache, json, level, start } = {
  start: 'log.cache["start"]',
  cache: 'log.cache["level"]',
  json: 'log.cache["json"]',
  level: 'log.attributes["level"]',
};

/** Sets the attribute `level` of a log record: debug, info, warn, error, fatal, or none if the entry has no level. */
export const levelStatements = (): string[] => [
  // JSON: the usual keys, in any case; nested keys of ECS and Loguru; MongoDB's letter; priorities of journald and Falco.
  // Invalid JSON is text.
  String.raw`set(${json}, ParseJSON(log.body)) where IsMatch(log.body, "^\\s*[{]")`,
  `set(${cache}, String(${json}["log"]["level"])) where ${json}["log"]["level"] != nil`,
  `set(${cache}, ${json}["record"]["level"]["name"]) where ${json}["record"]["level"]["name"] != nil`,
  `set(${cache}, String(${json}["PRIORITY"])) where ${json}["PRIORITY"] != nil`,
  `set(${cache}, ${json}["priority"]) where ${json}["priority"] != nil and ${json}["rule"] != nil`,
  `replace_all_patterns(${json}, "key", "^(?:L|(?i:@l|@?level|lvl|log[._]?level|level_?name|(?:error_)?severity|severity_?text))$", "level") where ${json} != nil`,
  `set(${cache}, String(${json}["level"])) where ${json}["level"] != nil`,
  `set(${cache}, ${json}["s"]) where ${cache} == nil and IsMatch(${json}["s"], "^([FEWI]|D[1-5]?)$")`,

  // A level is near the beginning; expressions over a line of megabytes would take seconds.
  `set(${start}, log.body) where ${json} == nil`,
  `set(${start}, Substring(log.body, 0, 2048)) where ${json} == nil and Len(log.body) > 2048`,
  ...inText.map(
    (expression) =>
      `merge_maps(log.cache, ExtractPatterns(${start}, ${quoted(expression)}), "insert") where ${json} == nil and ${cache} == nil`,
  ),
  // syslog: <priority>, of which the last three bits are the severity.
  String.raw`merge_maps(log.cache, ExtractPatterns(log.body, "^<(?P<priority>\\d{1,3})>"), "insert") where ${cache} == nil`,
  `set(${cache}, String(Int(log.cache["priority"]) - 8 * (Int(log.cache["priority"]) / 8))) where log.cache["priority"] != nil`,

  ...Object.entries(names).map(
    ([name, all]) =>
      `set(${level}, "${name}") where IsMatch(${cache}, ${quoted(`^(?i:${[...all, onlyInPlace[name]].join("|")})(?:[+-]\\d+)?$`)})`,
  ),
  `set(${level}, "error") where ${level} == nil and Index(log.body, "\\n") >= 0 and IsMatch(log.body, ${quoted(trace)})`,
];
