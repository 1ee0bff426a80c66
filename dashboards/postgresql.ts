import {
  bars,
  clusterVariable,
  type Dashboard,
  logLines,
  logs,
  metrics,
  of,
  rowsPerSecond,
  stat,
  table,
  timeSeries,
  traceList,
  traces,
} from "./kit";

const server = 'cluster=~"$cluster", namespace=~"$namespace", pod=~"$pod"';
const database = `${server}, datname=~"$database"`;
/** Rate of a per-database counter over the selected servers and databases. */
const perSecond = (counter: string, by = "cluster") =>
  `sum by (${by}) (rate(pg_stat_database_${counter}{${database}}[$__rate_interval]))`;
const rollbacks = (by: string) =>
  `${perSecond("xact_rollback", by)} / (${perSecond("xact_commit", by)} + ${perSecond("xact_rollback", by)} > 0)`;
const hits = (by: string) =>
  `${perSecond("blks_hit", by)} / (${perSecond("blks_hit", by)} + ${perSecond("blks_read", by)} > 0)`;
const connections = `sum by (namespace, pod) (pg_stat_database_numbackends{${server}})`;
const connectionsAllowed = `max by (namespace, pod) (pg_settings_max_connections{${server}})`;
/** Database calls, from the spans of clients. */
const calls = 'cluster=~"$cluster", connection_type="database", server=~"$database"';
/** PostgreSQL 17 renamed the checkpoint counters. */
const checkpoints = (old: string, since17: string) =>
  `sum by (pod) (rate(pg_stat_bgwriter_${old}{${server}}[$__rate_interval]) or rate(pg_stat_checkpointer_${since17}{${server}}[$__rate_interval]))`;

/** PostgreSQL, from postgres_exporter and the spans of its clients. */
export const postgresql: Dashboard = {
  uid: "postgresql",
  title: "PostgreSQL",
  purpose:
    "For database owners: does the server answer, does it run out of connections, memory or disk, and which statements " +
    "wait or fail? Requires postgres_exporter, scraped through a ServiceMonitor or annotations.",
  tags: ["applications", "database"],
  none: "No exporter",
  sources: [metrics, logs, traces],
  variables: [
    clusterVariable(metrics),
    { name: "namespace", label: "Namespace", source: metrics, series: 'pg_up{cluster=~"$cluster"}' },
    {
      name: "pod",
      label: "Exporter pod",
      source: metrics,
      series: 'pg_up{cluster=~"$cluster", namespace=~"$namespace"}',
      // Other pods have logs too.
      all: "",
    },
    {
      name: "database",
      label: "Database",
      source: metrics,
      series: `pg_database_size_bytes{${server}}`,
      of: "datname",
    },
  ],
  numbers: [
    stat("Servers up", "percentunit", of(metrics, { up: `avg(pg_up{${server}})` }), {
      thresholds: { below: [1, 0.5] },
      decimals: 0,
      opens: { panel: "Servers" },
      description: "Servers that the exporter can log in to.",
    }),
    stat(
      "Connections used",
      "percentunit",
      of(metrics, { used: `max(${connections} / ${connectionsAllowed})` }),
      {
        thresholds: { above: [0.7, 0.9] },
        opens: { panel: "Connections and maximum" },
        description: "Of the fullest server. At 100 % it rejects all users except superusers.",
      },
    ),
    stat(
      "Transaction rate",
      "count:tx/s",
      of(metrics, { all: `sum(${perSecond("xact_commit")} + ${perSecond("xact_rollback")})` }),
      { decimals: 1, opens: { panel: "Transactions by database" } },
    ),
    stat("Rollback ratio", "percentunit", of(metrics, { share: `max(${rollbacks("cluster")})` }), {
      thresholds: { above: [0.05, 0.2] },
      opens: { panel: "Transactions by database" },
      none: "No transactions",
      description: "Failed statements and explicit rollbacks, of all transactions.",
    }),
    stat("Cache hit ratio", "percentunit", of(metrics, { share: `min(${hits("cluster")})` }), {
      thresholds: { below: [0.99, 0.9] },
      decimals: 1,
      opens: { panel: "Cache hit ratio by database" },
      none: "No reads",
      description: "Blocks found in shared_buffers; the others came from the file system.",
    }),
    stat(
      "Deadlocks",
      "short",
      of(metrics, { deadlocks: `sum(increase(pg_stat_database_deadlocks{${database}}[$__range]))` }).map(
        (query) => ({ ...query, instant: true }),
      ),
      {
        thresholds: { above: [1, 10] },
        decimals: 0,
        opens: { panel: "Deadlocks and conflicts" },
        description: "In the time range.",
      },
    ),
  ],
  rows: [
    {
      title: "Connections and transactions",
      panels: [
        timeSeries(
          "Connections by state",
          "short",
          of(metrics, {
            "{{datname}} {{state}}": `sum by (datname, state) (pg_stat_activity_count{${database}}) > 0`,
          }),
          {
            stacked: true,
            min: 0,
            description: "Idle in transaction holds locks and blocks VACUUM; idle costs only memory.",
          },
        ),
        timeSeries(
          "Connections and maximum",
          "short",
          of(metrics, { "{{pod}}": connections, "{{pod}} maximum": connectionsAllowed }),
          { min: 0 },
        ),
        timeSeries(
          "Transactions by database",
          "count:tx/s",
          of(metrics, {
            "{{datname}} committed": perSecond("xact_commit", "datname"),
            "{{datname}} rolled back": perSecond("xact_rollback", "datname"),
          }),
          { min: 0 },
        ),
      ],
    },
    {
      title: "Rows and blocks",
      panels: [
        timeSeries(
          "Rows returned and fetched",
          rowsPerSecond,
          of(metrics, {
            "{{datname}} returned": perSecond("tup_returned", "datname"),
            "{{datname}} fetched": perSecond("tup_fetched", "datname"),
          }),
          { min: 0, description: "Far more returned than fetched: queries scan whole tables." },
        ),
        timeSeries(
          "Rows written",
          rowsPerSecond,
          of(metrics, {
            "{{datname}} inserted": perSecond("tup_inserted", "datname"),
            "{{datname}} updated": perSecond("tup_updated", "datname"),
            "{{datname}} deleted": perSecond("tup_deleted", "datname"),
          }),
          { min: 0 },
        ),
        timeSeries(
          "Cache hit ratio by database",
          "percentunit",
          of(metrics, { "{{datname}}": hits("datname") }),
          {
            max: 1,
            thresholds: { below: [0.99, 0.9] },
          },
        ),
        timeSeries(
          "Temporary files",
          "Bps",
          of(metrics, { "{{datname}}": perSecond("temp_bytes", "datname") }),
          { min: 0, description: "Sorts and joins that exceed work_mem." },
        ),
        timeSeries(
          "Sequential scans: rows read",
          rowsPerSecond,
          of(metrics, {
            "{{datname}} {{relname}}": `topk(10, sum by (datname, relname) (rate(pg_stat_user_tables_seq_tup_read{${database}}[$__rate_interval])))`,
          }),
          { min: 0, description: "Large tables here need an index." },
        ),
        bars(
          "Dead rows by table",
          "short",
          of(metrics, {
            "{{datname}} {{relname}}": `topk(10, sum by (datname, relname) (pg_stat_user_tables_n_dead_tup{${database}}))`,
          }),
          {
            description:
              "Rows waiting for VACUUM. If many remain, VACUUM cannot keep up or an old transaction is open.",
          },
        ),
      ],
    },
    {
      title: "Locks and long transactions",
      panels: [
        timeSeries(
          "Locks by mode",
          "short",
          of(metrics, { "{{datname}} {{mode}}": `sum by (datname, mode) (pg_locks_count{${database}}) > 0` }),
          { stacked: true, min: 0, none: "No locks" },
        ),
        timeSeries(
          "Deadlocks and conflicts",
          "ops",
          of(metrics, {
            "{{datname}} deadlocks": perSecond("deadlocks", "datname"),
            "{{datname}} conflicts": perSecond("conflicts", "datname"),
          }),
          {
            min: 0,
            description: "Conflicts cancel queries on a replica whose rows the primary has removed.",
          },
        ),
        timeSeries(
          "Longest transaction by state",
          "s",
          of(metrics, {
            "{{datname}} {{state}}": `max by (datname, state) (pg_stat_activity_max_tx_duration{${database}}) > 0`,
          }),
          {
            min: 0,
            thresholds: { above: [60, 600] },
            description:
              "Active: a long query. Idle in transaction: an application that did not end its transaction.",
          },
        ),
        timeSeries(
          "p95 statement latency by client",
          "s",
          of(metrics, {
            "{{client}} → {{server}}": `histogram_quantile(0.95, sum by (client, server, le) (rate(traces_service_graph_request_client_seconds_bucket{${calls}}[$__rate_interval]))) >= 0`,
          }),
          {
            min: 0,
            none: "No statements",
            description: "From the clients' spans, so only of instrumented applications.",
          },
        ),
        timeSeries(
          "Statement rate by client",
          "ops",
          of(metrics, {
            "{{client}} → {{server}}": `sum by (client, server) (rate(traces_service_graph_request_total{${calls}}[$__rate_interval]))`,
          }),
          { min: 0, none: "No statements" },
        ),
        timeSeries(
          "Failed statements by client",
          "ops",
          of(metrics, {
            "{{client}} → {{server}}": `sum by (client, server) (rate(traces_service_graph_request_failed_total{${calls}}[$__rate_interval]))`,
          }),
          { min: 0, none: "No statements" },
        ),
        traceList(
          "Latest slow statements",
          of(traces, {
            slow: `{ resource.k8s.cluster.name =~ "$cluster" && (span.db.system = "postgresql" || span.db.system.name = "postgresql") && duration > 200ms }`,
          }),
          {
            width: 12,
            none: "No statements over 200 ms",
            description: "Traces with a statement over 200 ms.",
          },
        ),
        logLines(
          "Server error log lines",
          of(logs, {
            errors: `{cluster=~"$cluster", namespace=~"$namespace", pod_name=~"$pod", level=~"error|fatal"}`,
          }),
          {
            width: 12,
            none: "No error log lines",
            description: "If the exporter runs in the server's pod.",
          },
        ),
      ],
    },
    {
      title: "Size, checkpoints, WAL",
      collapsed: true,
      panels: [
        timeSeries(
          "Database size",
          "bytes",
          of(metrics, { "{{datname}}": `sum by (datname) (pg_database_size_bytes{${database}})` }),
          { min: 0, stacked: true },
        ),
        timeSeries(
          "Checkpoints",
          "ops",
          of(metrics, {
            "{{pod}} timed": checkpoints("checkpoints_timed_total", "num_timed_total"),
            "{{pod}} requested": checkpoints("checkpoints_req_total", "num_requested_total"),
          }),
          {
            min: 0,
            description: "Many requested checkpoints: max_wal_size is too small for the write rate.",
          },
        ),
        timeSeries(
          "WAL size",
          "bytes",
          of(metrics, { "{{pod}}": `max by (namespace, pod) (pg_wal_size_bytes{${server}})` }),
          {
            min: 0,
            description: "Grows without limit if a replication slot is not read or archiving fails.",
          },
        ),
      ],
    },
    {
      title: "Replication and archive",
      collapsed: true,
      panels: [
        table(
          "Servers",
          of(metrics, {
            replica: `max by (namespace, pod) (pg_replication_is_replica{${server}})`,
            lag: `max by (namespace, pod) (pg_replication_lag_seconds{${server}})`,
            archived: `max by (namespace, pod) (pg_stat_archiver_archived_count{${server}})`,
            failed: `max by (namespace, pod) (pg_stat_archiver_failed_count{${server}})`,
          }),
          {
            columns: [
              { field: "namespace", heading: "Namespace" },
              { field: "pod", heading: "Pod" },
              { field: "Value #A", heading: "Replica", unit: "bool_yes_no" },
              { field: "Value #B", heading: "Replication lag", unit: "s" },
              { field: "Value #C", heading: "WAL files archived", unit: "short" },
              { field: "Value #D", heading: "Failed to archive", unit: "short" },
            ],
            width: 12,
            height: 7,
          },
        ),
        timeSeries(
          "Replication lag of replicas",
          "bytes",
          of(metrics, {
            "{{application_name}} {{client_addr}}": `max by (application_name, client_addr) (pg_stat_replication_pg_wal_lsn_diff{${server}})`,
          }),
          { width: 6, min: 0, none: "No replicas", description: "As seen by the primary." },
        ),
        timeSeries(
          "WAL kept for slots",
          "bytes",
          of(metrics, {
            "{{slot_name}}": `max by (slot_name) (pg_replication_slots_pg_wal_lsn_diff{${server}})`,
          }),
          { width: 6, min: 0, none: "No slots", description: "A slot without a reader fills the disk." },
        ),
      ],
    },
  ],
};
