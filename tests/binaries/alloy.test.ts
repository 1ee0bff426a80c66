import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { root } from "../../cli/stack-config";
import { tenants } from "../../names";
import { parseSettings } from "../../settings";
import { dev } from "../../settings/dev";
import { alloyPipeline } from "../../values/alloy";
import { alloyLogsEnvironment } from "../../values/alloy-logs";
import { expectFormatted, experimental, validate } from "../support/alloy";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { freePort, Server } from "../support/servers";
import { needs } from "../support/tools";

const sources = join(root, "values", "alloy", "logs");
const files = readdirSync(sources).filter((file) => file.endsWith(".alloy"));
const access = (request: string, status: number, agent = "curl/8.5", bytes = 213) =>
  `10.244.0.1 - - [23/Nov/2026:04:00:00 +0000] "${request} HTTP/1.1" ${status} ${bytes} "-" "${agent}"`;

const javaTrace = [
  "java.lang.IllegalStateException: order 42 has no items",
  "\tat com.example.Orders.check(Orders.java:12)",
  "\tat com.example.Orders.main(Orders.java:5)",
  "Caused by: java.io.IOException: connection reset",
  "\tat com.example.Store.read(Store.java:7)",
  "\t... 1 more",
];
const pythonTrace = [
  "Traceback (most recent call last):",
  '  File "/app/main.py", line 12, in <module>',
  "    run()",
  "requests.exceptions.ConnectionError: no route to host",
];
const goTrace = [
  "panic: runtime error: index out of range [3] with length 3",
  "goroutine 1 [running]:",
  "main.(*Queue).Take(0xc000012345, 0x3)",
  "\t/src/queue.go:42 +0x1d",
  "main.main()",
  "\t/src/main.go:9 +0x20",
  "created by net/http.(*Server).Serve in goroutine 7",
  "\t/usr/local/go/src/net/http/server.go:3086 +0x30",
];
const nodeTrace = [
  "Error: connect ECONNREFUSED 10.0.0.1:5432",
  "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)",
  "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
];

/** A line as the container writes it. */
type Line = string | { stderr: string };

interface Sample {
  namespace?: string;
  lines: Line[];
  /** Entries as Loki should have them. */
  entries: string[];
}

const healthChecks = {
  dropped: [
    access("GET /healthz", 200),
    access("HEAD /readyz", 204),
    access("GET /status/live.json", 200),
    access("GET /ready?verbose=1", 200),
    access("GET /-/healthy", 302),
    'INFO:     10.244.0.1:50714 - "GET /health HTTP/1.1" 200 OK',
    '{"level":"info","method":"GET","path":"/healthz","status":200}',
    '{"msg":"request", "url": "/livez?full", "status_code": "204"}',
    '{"level":30,"req":{"method":"GET","url":"/ready"},"res":{"statusCode":200}}',
    '{"message":"10.244.0.1:50714 - \\"GET /health HTTP/1.1\\" 200"}',
    access("GET /custom/probe", 200, "kube-probe/1.34"),
    '{"path":"/custom/probe","status":200,"userAgent":"kube-probe/1.34"}',
  ],
  kept: [
    access("GET /healthz", 503),
    access("GET /healthz", 503, "kube-probe/1.34"),
    access("GET /custom/probe", 500, "kube-probe/1.34", 200),
    '{"level":"error","method":"GET","path":"/healthz","status":503,"bytes":200}',
    '{"path":"/custom/probe","status":500,"durationMs":210,"userAgent":"kube-probe/1.34"}',
    access("GET /healthz-report", 200),
    access("GET /api/health", 200),
    access("GET /status/live-json", 200),
    access("GET /api/items", 200),
    '{"path":"/api/items","status":200,"referer":"/healthz"}',
    "the check GET /healthz is done every 10 s, 200 times",
  ],
};

const onlyErrors = {
  dropped: [
    "I1123 04:00:00.000001       1 controller.go:42] Started the error controller",
    "W1123 04:00:00.000001       1 reflector.go:424] watch closed",
    'time="2026-11-23T04:00:00Z" level=info msg="started"',
    "ts=2026-11-23T04:00:00Z level=warn msg=slow",
    '{"level":"info","ts":1700000000.1,"msg":"elected a leader"}',
    "[INFO] plugin/reload: Running configuration",
    "CoreDNS-1.14.6",
  ],
  kept: [
    'E1123 04:00:00.000001       1 reflector.go:150] "Unhandled Error" err="no route to host"',
    "F1123 04:00:00.000001       1 server.go:12] cannot listen",
    'time="2026-11-23T04:00:00Z" level=error msg="gone"',
    '{"level":"error","ts":1700000000.1,"msg":"lost the lease"}',
    '{"severity":"CRITICAL","message":"out of memory"}',
    "[ERROR] plugin/errors: 2 example.com. A: read udp: i/o timeout",
    "failed to list nodes: Unauthorized, started with --log-level=info",
    "connection refused",
  ],
};

/** Lines and the level that each of them has. */
const levels: [line: string, level: string | undefined][] = [
  ['{"level":"ERROR","msg":"json, level"}', "error"],
  ['{"severity":"Warning","msg":"json, severity"}', "warn"],
  ['{"lvl":"dbug","msg":"json, a level that is none"}', undefined],
  ['{"log_level":"information","msg":"json, log_level"}', "info"],
  ['{"loglevel":"trace","msg":"json, loglevel"}', "debug"],
  ['{"log.level":"crit","msg":"json, log.level"}', "fatal"],
  ['{"level":20,"msg":"json, pino"}', "debug"],
  ['{"level":50,"msg":"json, pino"}', "error"],
  ['{"level":60,"msg":"json, pino"}', "fatal"],
  ['{"msg":"json without a level, but an ERROR"}', undefined],
  ['{"level":"error","msg":"broken json', undefined],
  ["{not json at all, level=error}", undefined],
  ["level=debug msg=logfmt", "debug"],
  ['ts=1 lvl=eror msg="logfmt, a level that is none"', undefined],
  ['ts=1 level="notice" msg="logfmt, quoted"', "info"],
  ["I1123 04:00:00.000001 1 a.go:1] klog", "info"],
  ["W1123 04:00:00.000001 1 a.go:1] klog", "warn"],
  ["E1123 04:00:00.000001 1 a.go:1] klog with an INFO in it", "error"],
  ["2026-11-23 04:00:00,000 WARNING root: python", "warn"],
  ["2026-11-23T04:00:00.000Z  INFO 1 --- [main] c.e.App: spring", "info"],
  ["[DEBUG] plain", "debug"],
  ["FATAL: plain", "fatal"],
  ["an information about errors", undefined],
];

/** Ordinary lines, one after the other, in the forms that programs write them. */
const ordinary = Array.from({ length: 1000 }, (_, index) => {
  const number = String(index + 1).padStart(4, "0");
  const forms = [
    `line ${number} of 1000`,
    `ts=2026-11-23T04:00:00Z level=info line=${number}`,
    `{"level":"info","line":${number}}`,
    `[INFO] line ${number} (done)`,
    `I1123 04:00:00.00${number}       1 main.go:12] line ${number}`,
    `2026-11-23 04:00:00,${number} ERROR ValueError: line ${number}`,
    `main.py:12: line ${number}()`,
    `10.0.0.1 - - "GET /items/${number} HTTP/1.1" 200`,
  ];
  return forms[index % forms.length] ?? "";
});

const traces = (lines: string[]): Sample => ({
  lines: [
    "2026-11-23 04:00:00 ERROR request 7 ended",
    ...lines,
    "2026-11-23 04:00:01 INFO request 8",
    "request 9",
  ],
  entries: [
    ["2026-11-23 04:00:00 ERROR request 7 ended", ...lines].join("\n"),
    "2026-11-23 04:00:01 INFO request 8",
    "request 9",
  ],
});
/** A trace with no line before it that it could belong to: its first line begins an entry. */
const bareTraces = (lines: string[]): Sample => ({
  lines: [...lines, "request 9"],
  entries: [lines.join("\n"), "request 9"],
});

const samples = {
  "health-checks": {
    lines: [...healthChecks.dropped, ...healthChecks.kept],
    entries: healthChecks.kept,
  },
  "health-check-before-trace": {
    lines: [access("GET /healthz", 200), ...pythonTrace],
    entries: [pythonTrace.join("\n")],
  },
  "only-errors": {
    namespace: "kube-system",
    lines: [...onlyErrors.dropped, ...onlyErrors.kept],
    entries: onlyErrors.kept,
  },
  "only-errors-trace": {
    namespace: "kube-system",
    lines: ["[INFO] all is well", ...pythonTrace, "[INFO] all is well", ...goTrace],
    entries: [["[INFO] all is well", ...pythonTrace].join("\n"), goTrace.join("\n")],
  },
  levels: { lines: levels.map(([line]) => line), entries: levels.map(([line]) => line) },
  java: traces(javaTrace),
  python: traces(pythonTrace),
  go: {
    lines: ["request 7", ...goTrace, "request 8", "request 9"],
    entries: ["request 7", goTrace.join("\n"), "request 8", "request 9"],
  },
  node: {
    lines: ["request 7", ...nodeTrace, "request 8", "request 9"],
    entries: ["request 7", nodeTrace.join("\n"), "request 8", "request 9"],
  },
  "bare-java": bareTraces(javaTrace),
  "bare-python": bareTraces(pythonTrace),
  "bare-go": bareTraces(goTrace),
  "bare-node": bareTraces(nodeTrace),
  streams: {
    lines: ["one", ...pythonTrace.flatMap((line, index) => [{ stderr: line }, `two ${index}`])],
    entries: ["one", pythonTrace.join("\n"), ...pythonTrace.map((_, index) => `two ${index}`)],
  },
  long: { lines: ["one", "x".repeat(40_000), "two"], entries: ["one", "x".repeat(40_000), "two"] },
  blank: { lines: ["one", "", "   ", "two"], entries: ["one", "two"] },
  ordinary: { lines: ordinary, entries: ordinary },
} satisfies Record<string, Sample>;
type SampleName = keyof typeof samples;

/** Last line of each sample; it is kept everywhere, and tells that all lines before it have come through. */
const end = "error: end of the sample";

/** A line in a runtime's envelope. */
const envelopes = {
  /** Lines longer than 16 KiB are written in parts: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md */
  containerd: (line: string, stream: string, time: string) => {
    const parts = line.match(/.{1,16384}/gs) ?? [""];
    return parts
      .map((part, index) => `${time} ${stream} ${index < parts.length - 1 ? "P" : "F"} ${part}`)
      .join("\n");
  },
  docker: (line: string, stream: string, time: string) => JSON.stringify({ log: `${line}\n`, stream, time }),
};
type Runtime = keyof typeof envelopes;
const runtimes = Object.keys(envelopes) as Runtime[];

/** The defaults, and a path with a character that means something in an expression. */
const settings = parseSettings("test", {
  environment: "dev",
  cluster: { name: "test" },
  alloyLogs: { healthCheckPaths: [...(dev.alloyLogs?.healthCheckPaths ?? []), "/status/live.json"] },
});

interface Entry {
  line: string;
  labels: Record<string, string>;
}

describe("binaries: Alloy's log pipeline", function () {
  this.timeout(120_000);
  const environment: Record<string, string> = {
    ...alloyLogsEnvironment(settings),
    HOSTNAME: "node-1",
  };
  let alloy: string;
  let folder: string;

  before(function () {
    [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-alloy-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const checked = (text: string) => validate(alloy, folder, text, environment);

  for (const file of files)
    it(`leaves the form of ${file} as it is`, () => {
      expectFormatted(alloy, join(sources, file));
    });

  it("accepts the whole pipeline, and not a misspelled one", () => {
    const accepted = checked(alloyPipeline("logs"));
    expect(accepted.status, accepted.words).to.equal(0);
    const refused = checked(alloyPipeline("logs").replace("max_wait_time", "max_waiting_time"));
    expect(refused.status).not.to.equal(0);
    expect(refused.words).to.include("max_waiting_time");
  });

  describe("on sample lines", () => {
    let loki: Loki | undefined;
    let gateway: Gateway | undefined;
    let collector: Server | undefined;

    before(async function () {
      const [program = ""] = needs(this, "loki");
      needsNginx(this);
      loki = await Loki.start(program, join(folder, "loki"));
      const { host } = new URL(loki.url);
      const gatewayFolder = join(folder, "gateway");
      gateway = await Gateway.start(gatewayFolder, { store: "loki", settings, at: () => host });

      const logs = join(folder, "pods");
      mkdirSync(logs);
      const began = Date.now() - 60_000;
      const targets = Object.entries<Sample>(samples).flatMap(([name, { namespace = "shop", lines }]) =>
        runtimes.map((runtime) => {
          const file = join(logs, `${name}-${runtime}.log`);
          const written = [...lines, end].map((line, index) => {
            const [text, stream] = typeof line === "string" ? [line, "stdout"] : [line.stderr, "stderr"];
            return envelopes[runtime](text, stream, new Date(began + index).toISOString());
          });
          writeFileSync(file, `${written.join("\n")}\n`);
          const container = `${name}-${runtime}`;
          return {
            __path__: file,
            namespace,
            pod_name: `${name}-0`,
            container_name: container,
            node_name: "node-1",
            job: `${namespace}/${container}`,
            container_runtime: runtime,
          };
        }),
      );

      const pipeline = join(folder, "pipeline");
      mkdirSync(pipeline);
      for (const file of files.filter((name) => name !== "discover.alloy"))
        copyFileSync(join(sources, file), join(pipeline, file));
      writeFileSync(
        join(pipeline, "samples.alloy"),
        `local.file_match "pods" {
          path_targets = encoding.from_json(sys.env("TARGETS"))
        }
        loki.source.file "pods" {
          targets    = local.file_match.pods.targets
          forward_to = [loki.process.pods.receiver]
        }`,
      );
      const port = await freePort();
      collector = await Server.start(
        alloy,
        [
          "run",
          pipeline,
          experimental,
          "--disable-reporting",
          `--storage.path=${join(folder, "alloy")}`,
          `--server.http.listen-addr=127.0.0.1:${port}`,
        ],
        {
          environment: {
            ...environment,
            LOKI_URL: gateway.url,
            LOKI_PASSWORD_FILE: gateway.passwordFile(environment["LOKI_USER"] ?? ""),
            TARGETS: JSON.stringify(targets),
          },
          ready: async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
        },
      );

      // Until the last line of every sample is there.
      const deadline = Date.now() + 60_000;
      const missing = async () => targets.length - (await query(`{job!=""} |= \`${end}\``)).length;
      for (let left = await missing(); left > 0; left = await missing()) {
        if (Date.now() > deadline) throw new Error(`${left} samples are not complete\n${collector.log}`);
        await wait(500);
      }
    });

    after(async () => {
      await collector?.stop();
      await gateway?.stop();
      await loki?.stop();
    });

    /** The entries that a query finds, oldest first. */
    const query = async (logql: string): Promise<Entry[]> => {
      const parameters = new URLSearchParams({
        query: logql,
        limit: "5000",
        start: `${Date.now() - 3_600_000}000000`,
        direction: "forward",
      });
      const headers = { "X-Scope-OrgID": tenants.logs };
      const response = await fetch(`${loki?.url}/loki/api/v1/query_range?${parameters}`, { headers });
      if (!response.ok) throw new Error(await response.text());
      const { data } = (await response.json()) as {
        data: { result: { stream: Record<string, string>; values: [string, string][] }[] };
      };
      return data.result
        .flatMap(({ stream, values }) => values.map(([time, line]) => ({ time, line, labels: stream })))
        .sort((a, b) => a.time.localeCompare(b.time));
    };

    /** What came of a sample, without its last line. */
    const entriesOf = async (name: SampleName, runtime: Runtime): Promise<Entry[]> => {
      const found = await query(`{container_name="${name}-${runtime}"}`);
      expect(found.at(-1)?.line).to.equal(end);
      return found.slice(0, -1);
    };

    const check = (title: string, ...names: SampleName[]) => {
      for (const runtime of runtimes)
        it(`${title} (${runtime})`, async () => {
          for (const name of names) {
            const lines = (await entriesOf(name, runtime)).map(({ line }) => line);
            expect(lines, name).to.deep.equal(samples[name].entries);
          }
        });
    };

    check("drops health checks that succeeded and keeps those that failed", "health-checks");
    check("drops a health check and not the stack trace after it", "health-check-before-trace");
    check("keeps only errors of kube-system", "only-errors");
    check("keeps a stack trace of kube-system whatever came before it", "only-errors-trace");
    check("keeps lines that only look like JSON as they are", "levels");
    check("keeps a Java stack trace with the line it belongs to", "java");
    check("keeps a Python stack trace with the line it belongs to", "python");
    check("keeps a Go stack trace together", "go");
    check("keeps a Node.js stack trace together", "node");
    check(
      "keeps a stack trace together that comes first",
      "bare-java",
      "bare-python",
      "bare-go",
      "bare-node",
    );
    check("joins lines of the same stream only", "streams");
    check("puts a long line together again", "long");
    check("drops blank lines", "blank");
    check("leaves 1,000 ordinary lines 1,000 entries", "ordinary");

    for (const runtime of runtimes)
      it(`gives each line its level, spelled in one way (${runtime})`, async () => {
        const found = (await entriesOf("levels", runtime)).map(({ line, labels }) => [line, labels["level"]]);
        expect(found).to.deep.equal(levels);
      });

    it("lets no other label reach Loki", async () => {
      const [entry] = await entriesOf("java", "containerd");
      expect(entry?.labels).to.deep.equal({
        cluster: "test",
        namespace: "shop",
        pod_name: "java-0",
        container_name: "java-containerd",
        node_name: "node-1",
        job: "shop/java-containerd",
        level: "error",
      });
      const known = new Set([...Object.keys(entry?.labels ?? {})]);
      for (const { labels } of await query('{job!=""}'))
        expect(Object.keys(labels).filter((label) => !known.has(label))).to.deep.equal([]);
    });
  });
});
