import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { restrictedContainer, restrictedPod } from "./restricted";

export interface PostgresArgs {
  /** Namespace. */
  namespace: pulumi.Input<string>;
  /** Image with the official one's environment variables. */
  image: pulumi.Input<string>;
  /** Name of the pods that may connect, in the label `app.kubernetes.io/name`. */
  client: string;
}

const name = "postgres";
const port = 5432;
const user = "random";
const database = "random";
const data = "/var/lib/postgresql/data";

/** One PostgreSQL with a volume and a generated password. */
export class Postgres extends pulumi.ComponentResource {
  /** Environment variables that libpq, and what is built on it, connects by. */
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

    const password = new random.RandomPassword(name, { length: 32, special: false }, own);
    const secret = new k8s.core.v1.Secret(name, { metadata, stringData: { password: password.result } }, own);
    const passwordFrom = { secretKeyRef: { name: secret.metadata.name, key: "password" } };

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
          ],
        },
      },
      own,
    );
    // With -h it is ready only when it answers others: while the image prepares a new volume it does not.
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
            metadata: { labels: metadata.labels },
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
                    // Below the volume's root, which has a lost+found where it is a file system of its own.
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
                  ],
                },
              ],
              volumes: [
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
      { name: "PGHOST", value: pulumi.interpolate`${server.metadata.name}.${namespace}.svc.cluster.local` },
      { name: "PGUSER", value: user },
      { name: "PGDATABASE", value: database },
      { name: "PGPASSWORD", valueFrom: passwordFrom },
    ];
    this.registerOutputs({});
  }
}
