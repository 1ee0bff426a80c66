import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { restrictedContainer, restrictedPod } from "./restricted";

export interface PostgresArgs {
  /** Namespace. */
  namespace: pulumi.Input<string>;
  /** Image with the environment variables of the official one. */
  image: pulumi.Input<string>;
  /** Image of postgres_exporter. */
  exporterImage: pulumi.Input<string>;
  /** Name of the client pods, in the label `app.kubernetes.io/name`. */
  client: string;
}

const name = "postgres";
const port = 5432;
const user = "random";
const database = "random";
const data = "/var/lib/postgresql/data";
/** User and port of the exporter. */
const exporter = { name: "exporter", user: "exporter", port: 9187 };

/** Creates the exporter's user, which can read statistics but no data; the image runs it once, on a new volume. */
const createExporter = `\\getenv password EXPORTER_PASSWORD
CREATE USER ${exporter.user} PASSWORD :'password' IN ROLE pg_monitor;
`;

/** One PostgreSQL with a volume, generated passwords, and an exporter sidecar with scrape annotations. */
export class Postgres extends pulumi.ComponentResource {
  /** Environment variables for connections with libpq and libraries based on it. */
  readonly clientEnv: k8s.types.input.core.v1.EnvVar[];

  constructor(componentName: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("random-backend:index:Postgres", componentName, {}, opts);
    const { namespace } = args;
    const own = { parent: this };
    const selector = { "app.kubernetes.io/name": name };
    const metadata = {
      name,
      namespace,
      labels: { ...selector, "app.kubernetes.io/part-of": "random-backend" },
    };

    const generated = (of: string) =>
      new random.RandomPassword(of, { length: 32, special: false }, own).result;
    const stringData = { password: generated(name), exporterPassword: generated(`${name}-exporter`) };
    const secret = new k8s.core.v1.Secret(name, { metadata, stringData }, own);
    const from = (key: keyof typeof stringData) => ({ secretKeyRef: { name: secret.metadata.name, key } });
    const passwordFrom = from("password");
    const scripts = new k8s.core.v1.ConfigMap(
      name,
      { metadata, data: { "exporter.sql": createExporter } },
      own,
    );

    const service = new k8s.core.v1.Service(
      name,
      { metadata, spec: { clusterIP: "None", selector, ports: [{ name: "postgres", port }] } },
      own,
    );
    new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selector },
          policyTypes: ["Ingress"],
          ingress: [
            {
              from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": args.client } } }],
              ports: [{ port }],
            },
            { ports: [{ port: exporter.port }] },
          ],
        },
      },
      own,
    );
    // With -h, it is ready only when it accepts network connections, which it does not while the image prepares a new
    // volume.
    const ready = { exec: { command: ["pg_isready", "-h", "127.0.0.1", "-U", user] } };
    const server = new k8s.apps.v1.StatefulSet(
      name,
      {
        metadata,
        spec: {
          serviceName: name,
          replicas: 1,
          selector: { matchLabels: selector },
          template: {
            metadata: {
              labels: metadata.labels,
              annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": `${exporter.port}` },
            },
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: restrictedPod(999), // the image's own user
              containers: [
                {
                  name,
                  image: args.image,
                  ports: [{ name: "postgres", containerPort: port }],
                  env: [
                    { name: "POSTGRES_USER", value: user },
                    { name: "POSTGRES_DB", value: database },
                    { name: "POSTGRES_PASSWORD", valueFrom: passwordFrom },
                    { name: "EXPORTER_PASSWORD", valueFrom: from("exporterPassword") },
                    // A folder below the volume's root, which contains lost+found if it is a file system of its own.
                    { name: "PGDATA", value: `${data}/pgdata` },
                  ],
                  startupProbe: { ...ready, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 90 },
                  readinessProbe: { ...ready, periodSeconds: 5, timeoutSeconds: 5 },
                  livenessProbe: { ...ready, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
                  resources: {
                    requests: { cpu: "50m", memory: "128Mi" },
                    limits: { memory: "256Mi" },
                  },
                  securityContext: restrictedContainer,
                  volumeMounts: [
                    { name: "data", mountPath: data },
                    { name: "run", mountPath: "/var/run/postgresql" },
                    { name: "tmp", mountPath: "/tmp" },
                    { name: "scripts", mountPath: "/docker-entrypoint-initdb.d", readOnly: true },
                  ],
                },
                {
                  name: exporter.name,
                  image: args.exporterImage,
                  // Checkpoint statistics of PostgreSQL 17 and later; without effect on older ones.
                  args: ["--collector.stat_checkpointer"],
                  ports: [{ name: "metrics", containerPort: exporter.port }],
                  env: [
                    { name: "DATA_SOURCE_URI", value: `127.0.0.1:${port}/${database}?sslmode=disable` },
                    { name: "DATA_SOURCE_USER", value: exporter.user },
                    { name: "DATA_SOURCE_PASS", valueFrom: from("exporterPassword") },
                  ],
                  livenessProbe: {
                    httpGet: { path: "/", port: exporter.port },
                    periodSeconds: 10,
                    timeoutSeconds: 5,
                  },
                  resources: {
                    requests: { cpu: "10m", memory: "32Mi" },
                    limits: { memory: "64Mi" },
                  },
                  securityContext: restrictedContainer,
                },
              ],
              volumes: [
                { name: "scripts", configMap: { name: scripts.metadata.name } },
                { name: "run", emptyDir: {} },
                { name: "tmp", emptyDir: {} },
              ],
            },
          },
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
            },
          ],
        },
      },
      { ...own, dependsOn: service },
    );

    this.clientEnv = [
      { name: "PGHOST", value: pulumi.interpolate`${server.metadata.name}.${namespace}.svc` },
      { name: "PGUSER", value: user },
      { name: "PGDATABASE", value: database },
      { name: "PGPASSWORD", valueFrom: passwordFrom },
    ];
    this.registerOutputs({});
  }
}
