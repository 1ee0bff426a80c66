import {
  bars,
  clusterVariable,
  type Dashboard,
  logLines,
  logs,
  metrics,
  of,
  stat,
  table,
  timeSeries,
  traceList,
  traces,
} from "./kit";

const server = 'cluster=~"$cluster", namespace=~"$namespace", pod=~"$pod"';
const database = `${server}, datname=~"$database"`;
/** Sums over the chosen servers and databases of what is counted of each database. */
const perSecond = (counter: string, by = "cluster") =>
  `sum by (${by}) (rate(pg_stat_database_${counter}{${database}}[$__rate_interval]))`;
const rollbacks = (by: string) =>
  `${perSecond("xact_rollback", by)} / (${perSecond("xact_commit", by)} + ${perSecond("xact_rollback", by)})`;
const hits = (by: string) =>
  `${perSecond("blks_hit", by)} / (${perSecond("blks_hit", by)} + ${perSecond("blks_read", by)})`;
const connections = `sum by (namespace, pod) (pg_stat_database_numbackends{${server}})`;
const connectionsAllowed = `max by (namespace, pod) (pg_settings_max_connections{${server}})`;
/** Calls of databases, as the spans of their callers have them. */
const calls = 'cluster=~"$cluster", connection_type="database", server=~"$database"';
/** PostgreSQL 17 counts checkpoints under other names than those before it. */
const checkpoints = (old: string, since17: string) =>
  `sum by (pod) (rate(pg_stat_bgwriter_${old}{${server}}[$__rate_interval]) or rate(pg_stat_checkpointer_${since17}{${server}}[$__rate_interval]))`;

/** PostgreSQL, as postgres_exporter measures it and as its callers' spans see it. */
export const postgresql: Dashboard = {
  uid: "postgresql",
  title: "PostgreSQL",
  purpose:
    "For whoever owns a database or an application on one: does it answer, is it short of connections, memory or disk, and " +
    "which statements wait or fail? Needs postgres_exporter beside the server, scraped by a ServiceMonitor or by annotations.",
  tags: ["applications", "database"],
  sources: [metrics, logs, traces],
  variables: [
    clusterVariable(metrics),
    { name: "namespace", label: "Namespace", source: metrics, series: 'pg_up{cluster=~"$cluster"}' },
    {
      name: "pod",
      label: "Exporter's pod",
      source: metrics,
      series: 'pg_up{cluster=~"$cluster", namespace=~"$namespace"}',
      // Logs have other pods, too.
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
  next: {
    services: "Service dependencies",
    "random-namespaces": "Namespaces Random",
    containers: "Containers (cAdvisor)",
  },
  runbooks: [],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat("Servers up", "percentunit", of(metrics, { up: `avg(pg_up{${server}})` }), {
          thresholds: { yellow: 1, red: 0.5 },
          decimals: 0,
          description: "Those that their exporter can log in to.",
        }),
        stat(
          "Connections of maximum",
          "percentunit",
          of(metrics, { used: `max(${connections} / ${connectionsAllowed})` }),
          {
            thresholds: { yellow: 0.7, red: 0.9 },
            description: "Of the fullest server. At 100 % it refuses everybody but superusers.",
          },
        ),
        stat(
          "Transactions",
          "ops",
          of(metrics, { all: `sum(${perSecond("xact_commit")} + ${perSecond("xact_rollback")})` }),
          { decimals: 1 },
        ),
        stat("Rolled back", "percentunit", of(metrics, { share: `max(${rollbacks("cluster")})` }), {
          thresholds: { yellow: 0.05, red: 0.2 },
          description: "Share of transactions; failed statements and applications that change their mind.",
        }),
        stat("Found in cache", "percentunit", of(metrics, { share: `min(${hits("cluster")})` }), {
          thresholds: { yellow: 0.99, red: 0.9 },
          decimals: 1,
          description:
            "Blocks that were in shared_buffers; the others came from the disk, or from the system's cache of it.",
        }),
        stat(
          "Deadlocks",
          "short",
          of(metrics, { deadlocks: `sum(increase(pg_stat_database_deadlocks{${database}}[$__range]))` }).map(
            (query) => ({ ...query, instant: true }),
          ),
          { thresholds: { yellow: 1, red: 10 }, decimals: 0, description: "In the time shown." },
        ),
      ],
    },
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
            description:
              "Idle in transaction holds locks and keeps VACUUM from its work; idle only costs memory.",
          },
        ),
        timeSeries(
          "Connections against maximum",
          "short",
          of(metrics, { "{{pod}}": connections, "{{pod}} maximum": connectionsAllowed }),
          { min: 0 },
        ),
        timeSeries(
          "Transactions",
          "ops",
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
          "Rows read",
          "ops",
          of(metrics, {
            "{{datname}} looked at": perSecond("tup_returned", "datname"),
            "{{datname}} found by index": perSecond("tup_fetched", "datname"),
          }),
          { min: 0, description: "Far more looked at than found by index: whole tables are read." },
        ),
        timeSeries(
          "Rows written",
          "ops",
          of(metrics, {
            "{{datname}} inserted": perSecond("tup_inserted", "datname"),
            "{{datname}} updated": perSecond("tup_updated", "datname"),
            "{{datname}} deleted": perSecond("tup_deleted", "datname"),
          }),
          { min: 0 },
        ),
        timeSeries("Found in cache", "percentunit", of(metrics, { "{{datname}}": hits("datname") }), {
          max: 1,
          thresholds: { yellow: 0.99, red: 0.9 },
        }),
        timeSeries(
          "Temporary files",
          "Bps",
          of(metrics, { "{{datname}}": perSecond("temp_bytes", "datname") }),
          { min: 0, description: "Sorts and joins that did not fit into work_mem." },
        ),
        timeSeries(
          "Rows looked at by reading whole tables",
          "ops",
          of(metrics, {
            "{{datname}} {{relname}}": `topk(10, sum by (datname, relname) (rate(pg_stat_user_tables_seq_tup_read{${database}}[$__rate_interval])))`,
          }),
          { min: 0, description: "A large table here wants an index." },
        ),
        bars(
          "Dead rows by table",
          "short",
          of(metrics, {
            "{{datname}} {{relname}}": `topk(10, sum by (datname, relname) (pg_stat_user_tables_n_dead_tup{${database}}))`,
          }),
          {
            description:
              "They wait for VACUUM. Many that stay mean that it cannot keep up, or that an old transaction is open.",
          },
        ),
      ],
    },
    {
      title: "Locks and what takes long",
      panels: [
        timeSeries(
          "Locks by mode",
          "short",
          of(metrics, { "{{datname}} {{mode}}": `sum by (datname, mode) (pg_locks_count{${database}}) > 0` }),
          { stacked: true, min: 0 },
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
            description: "Conflicts cancel queries of a replica, whose rows the primary has removed.",
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
            thresholds: { yellow: 60, red: 600 },
            description: "Active: a long query. Idle in transaction: an application that forgot to end it.",
          },
        ),
        timeSeries(
          "Statements by caller (p95)",
          "s",
          of(metrics, {
            "{{client}} → {{server}}": `histogram_quantile(0.95, sum by (client, server, le) (rate(traces_service_graph_request_client_seconds_bucket{${calls}}[$__rate_interval])))`,
          }),
          { min: 0, description: "As the caller's spans say. Only of applications that are traced." },
        ),
        timeSeries(
          "Statements a second by caller",
          "ops",
          of(metrics, {
            "{{client}} → {{server}}": `sum by (client, server) (rate(traces_service_graph_request_total{${calls}}[$__rate_interval]))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Statements that failed, by caller",
          "ops",
          of(metrics, {
            "{{client}} → {{server}}": `sum by (client, server) (rate(traces_service_graph_request_failed_total{${calls}}[$__rate_interval]))`,
          }),
          { min: 0 },
        ),
        traceList(
          "Latest slow statements",
          of(traces, {
            slow: `{ resource.k8s.cluster.name =~ "$cluster" && (span.db.system = "postgresql" || span.db.system.name = "postgresql") && duration > 200ms }`,
          }),
          { width: 12, description: "Traces with a statement of more than 200 ms." },
        ),
        logLines(
          "Errors in the servers' logs",
          of(logs, {
            errors: `{cluster=~"$cluster", namespace=~"$namespace", pod_name=~"$pod", level=~"error|fatal"}`,
          }),
          { width: 12, description: "Where the exporter stands beside the server, in the same pod." },
        ),
      ],
    },
    {
      title: "Size, checkpoints, WAL",
      panels: [
        timeSeries(
          "Size of databases",
          "bytes",
          of(metrics, { "{{datname}}": `sum by (datname) (pg_database_size_bytes{${database}})` }),
          { min: 0, stacked: true },
        ),
        timeSeries(
          "Checkpoints",
          "ops",
          of(metrics, {
            "{{pod}} by time": checkpoints("checkpoints_timed_total", "num_timed_total"),
            "{{pod}} asked for": checkpoints("checkpoints_req_total", "num_requested_total"),
          }),
          { min: 0, description: "Many that were asked for: max_wal_size is too small for what is written." },
        ),
        timeSeries(
          "Size of the WAL",
          "bytes",
          of(metrics, { "{{pod}}": `max by (namespace, pod) (pg_wal_size_bytes{${server}})` }),
          {
            min: 0,
            description: "It grows without end where a replication slot is not read or archiving fails.",
          },
        ),
      ],
    },
    {
      title: "Replication and archive",
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
              { field: "Value #B", heading: "Behind its primary", unit: "s" },
              { field: "Value #C", heading: "WAL files archived", unit: "short" },
              { field: "Value #D", heading: "Failed to archive", unit: "short" },
            ],
            width: 12,
            height: 7,
          },
        ),
        timeSeries(
          "Replicas behind",
          "bytes",
          of(metrics, {
            "{{application_name}} {{client_addr}}": `max by (application_name, client_addr) (pg_stat_replication_pg_wal_lsn_diff{${server}})`,
          }),
          { width: 6, min: 0, description: "As their primary sees it. Empty where there are no replicas." },
        ),
        timeSeries(
          "WAL kept for replication slots",
          "bytes",
          of(metrics, {
            "{{slot_name}}": `max by (slot_name) (pg_replication_slots_pg_wal_lsn_diff{${server}})`,
          }),
          { width: 6, min: 0, description: "A slot that nobody reads fills the disk." },
        ),
      ],
    },
  ],
};
