/** Accepted and rejected resources of each policy, with the exact message. */
import type { Environment, Subject } from "../../policies/rule";
import { deployment, goodContainer, release, secured, thing } from "./subjects";

export interface RuleSpec {
  rule: string;
  /** @default prod */
  environment?: Environment;
  passes: Subject[];
  fails: Subject[];
  says: string[];
}

const policy = (statement: object) => ({
  policy: JSON.stringify({ Statement: [{ Effect: "Allow", ...statement }] }),
});
const mine = policy({ Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::logs/*"] });
const labels = (level: string) => ({
  metadata: {
    labels: Object.fromEntries(
      ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
    ),
  },
});
/** A collector with variables. */
const collector = (variables: Record<string, string>) =>
  release("alloy-logs", {
    alloy: { extraEnv: Object.entries(variables).map(([name, value]) => ({ name, value })) },
  });
const budget = thing(
  "PodDisruptionBudget",
  "app",
  { spec: { maxUnavailable: 1, selector: { matchLabels: { app: "app" } } } },
  { namespace: "apps" },
);
const budgetOf = (matchExpressions: object[]) =>
  thing(
    "PodDisruptionBudget",
    "app",
    { spec: { maxUnavailable: 1, selector: { matchLabels: { app: "app" }, matchExpressions } } },
    { namespace: "apps" },
  );
const deny = (spec: object, { name = "default-deny", namespace = "apps" } = {}) =>
  thing("NetworkPolicy", name, { spec }, { namespace });
const both = { podSelector: {}, policyTypes: ["Ingress", "Egress"] };
const role = (rule: object, kind = "ClusterRole") => thing(kind, "reader", { rules: [rule] });
const bucket = thing("S3Bucket", "logs", { bucket: "logs", acl: "private" }, { protect: true });
const alertmanager = (sending: string[]) =>
  thing("Secret", "alertmanager-config", {
    stringData: {
      "alertmanager.yaml": JSON.stringify({
        route: {
          receiver: "(nobody)",
          routes: [
            ...(sending.includes("(heartbeat)")
              ? [{ receiver: "(heartbeat)", matchers: ['alertname = "Watchdog"'] }]
              : []),
            { receiver: "(nobody)", matchers: ['alertname =~ "Watchdog|InfoInhibitor"'] },
          ],
        },
        receivers: [
          { name: "(nobody)" },
          ...["(smoke test)", ...sending].map((name) => ({
            name,
            webhook_configs: [{ url: "http://a.test" }],
          })),
        ],
      }),
    },
  });
const traces = { type: "parentbased_traceidratio", argument: "0.1" };

const pods: RuleSpec[] = [
  {
    rule: "images-pinned",
    passes: [
      deployment(),
      deployment({ image: `docker.io/grafana/loki@sha256:${"0".repeat(64)}` }),
      release("grafana", { image: { repository: "grafana/grafana" } }),
    ],
    fails: [
      deployment({ image: "grafana/loki" }),
      release("grafana", { sidecar: { image: { repository: "k8s-sidecar", tag: "main" } } }),
      release("mimir", { image: { tag: "latest" } }),
    ],
    says: [
      "app: container app uses image grafana/loki without a tag: a mutable tag can run another program after the next restart, on some nodes only. Use the tag of a version, or a digest.",
      'grafana: values.sidecar.image uses image k8s-sidecar with the mutable tag "main": a mutable tag can run another program after the next restart, on some nodes only. Use the tag of a version, or a digest.',
      'mimir: values.image uses the chart\'s image with the mutable tag "latest": a mutable tag can run another program after the next restart, on some nodes only. Use the tag of a version, or a digest.',
    ],
  },
  {
    rule: "images-registries",
    passes: [deployment(), deployment({ image: "grafana/loki:3" }), deployment({ image: "memcached:1.6" })],
    fails: [
      deployment({ image: "evil.example.com/grafana/loki:3" }),
      deployment({ image: "grafanaevil/loki:3" }),
      release("app", { image: { registry: "evil.example.com" }, global: { imageRegistry: "quay.io" } }),
      release("app", { global: { imageRegistry: "evil.example.com" } }),
    ],
    says: [
      "container app uses image evil.example.com/grafana/loki, which is not from a listed registry",
      "container app uses image docker.io/grafanaevil/loki, which is not from a listed registry",
      "values.image uses registry evil.example.com, which is not listed",
      "values.global.imageRegistry uses registry evil.example.com, which is not listed",
    ].map(
      (what) =>
        `app: ${what}: anyone who can push to it decides which programs run in this cluster. Use an image from a listed registry, set images.registry to your mirror, or add it to the registries of this rule in the pack's config.`,
    ),
  },
  {
    rule: "resources-set",
    passes: [
      deployment(),
      release("kps", {
        storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage: "1Gi" } } } } },
      }),
    ],
    fails: [deployment({ resources: { limits: { cpu: "1", memory: "1Gi" } } })],
    says: [
      "app: container app lacks a CPU request, a memory request: without requests the scheduler overcommits nodes, and without a memory limit one pod can take down its neighbors. Set cpu, memory and memoryLimit of the component in the stack's settings.",
    ],
  },
  {
    rule: "readiness-probes",
    passes: [
      deployment(),
      thing("Job", "once", { spec: { template: { spec: { containers: [{ name: "once" }] } } } }),
      deployment({}, { initContainers: [{ name: "first" }] }),
    ],
    fails: [deployment({ readinessProbe: undefined })],
    says: [
      "app: container app has no readinessProbe: a Service would send requests to a container that is not ready, and a rollout would continue past a broken one. Set readinessProbe in the chart's values.",
    ],
  },
  {
    rule: "liveness-probes",
    passes: [deployment()],
    fails: [deployment({ livenessProbe: undefined })],
    says: [
      "app: container app has no livenessProbe: a hanging container would never be restarted. Set livenessProbe in the chart's values.",
    ],
  },
  {
    rule: "no-privilege",
    passes: [deployment(), release("app", { securityContext: { allowPrivilegeEscalation: false } })],
    fails: [
      secured({ privileged: true, capabilities: { add: ["SYS_ADMIN"], drop: ["ALL"] } }),
      secured({ allowPrivilegeEscalation: undefined, capabilities: {} }),
      release("app", { securityContext: { privileged: true } }),
      // A container that the operator adds to its own.
      thing("Prometheus", "kps", {
        spec: { containers: [{ name: "x", securityContext: { privileged: true } }] },
      }),
    ],
    says: [
      "app: container app is privileged, adds capabilities SYS_ADMIN: a privileged container is root on its node, and an attacker in it controls every pod there. Set its securityContext to allowPrivilegeEscalation: false and capabilities: {drop: [ALL]}, without privileged.",
      "app: container app may gain privileges, keeps capabilities: a privileged container is root on its node, and an attacker in it controls every pod there. Set its securityContext to allowPrivilegeEscalation: false and capabilities: {drop: [ALL]}, without privileged.",
      "app: values.securityContext.privileged is true: a privileged container is root on its node, and an attacker in it controls every pod there. Remove it from the values.",
      "kps: container x is privileged: a privileged container is root on its node, and an attacker in it controls every pod there. Set its securityContext to allowPrivilegeEscalation: false and capabilities: {drop: [ALL]}, without privileged.",
    ],
  },
  {
    rule: "no-host-namespaces",
    passes: [deployment({ ports: [{ containerPort: 80 }] })],
    fails: [deployment({ ports: [{ containerPort: 80, hostPort: 80 }] }, { hostPID: true })],
    says: ["hostPID is true", "container app uses port 80 of its node"].map(
      (what) =>
        `app: ${what}: NetworkPolicies do not apply there, and it can observe every other pod of the node. Remove it; a Service reaches pods without it.`,
    ),
  },
  {
    rule: "no-host-paths",
    passes: [deployment({}, { volumes: [{ name: "tmp", emptyDir: {} }] })],
    fails: [deployment({}, { volumes: [{ name: "docker", hostPath: { path: "/var/run" } }] })],
    says: [
      "app: a volume mounts /var/run of the node: through the node's files a pod can read other pods' secrets, or change programs of the node. Use a PersistentVolumeClaim or an emptyDir.",
    ],
  },
  {
    rule: "non-root",
    passes: [
      deployment(),
      deployment({ securityContext: {} }, { securityContext: { runAsUser: 1000 } }),
      release("app", { securityContext: { runAsUser: 1000 } }),
    ],
    fails: [
      secured({ runAsNonRoot: undefined }),
      secured({ runAsUser: 0 }),
      release("app", { securityContext: { runAsUser: 0 } }),
    ],
    says: [
      "app: container app may run as root: with root in the container, a bug in the kernel or the runtime is root on the node. Set runAsNonRoot: true, and runAsUser where the image's own user is root.",
      "app: container app runs as root: with root in the container, a bug in the kernel or the runtime is root on the node. Set runAsNonRoot: true, and runAsUser where the image's own user is root.",
      "app: values.securityContext.runAsUser is 0: with root in the container, a bug in the kernel or the runtime is root on the node. Set runAsNonRoot: true and a user other than 0.",
    ],
  },
  {
    rule: "seccomp",
    passes: [
      deployment(),
      deployment(
        { securityContext: {} },
        { securityContext: { seccompProfile: { type: "RuntimeDefault" } } },
      ),
    ],
    fails: [secured({ seccompProfile: { type: "Unconfined" } })],
    says: [
      "app: container app has no seccomp profile: without one it can make every system call, including those that only exploits need. Set seccompProfile: {type: RuntimeDefault} for the pod.",
    ],
  },
  {
    rule: "read-only-root",
    passes: [deployment()],
    fails: [secured({ readOnlyRootFilesystem: undefined })],
    says: [
      "app: container app can write to its image's file system: an attacker cannot leave a program behind. Set readOnlyRootFilesystem: true, and mount an emptyDir where it writes.",
    ],
  },
  {
    rule: "no-secrets-in-variables",
    passes: [
      deployment({
        env: [
          { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "app", key: "password" } } },
          { name: "PASSWORD_FILE", value: "/etc/app/password" },
          { name: "API_KEY", value: "${KEY}" },
        ],
        args: ["--tls-private-key-file=/etc/tls/tls.key"],
      }),
    ],
    fails: [
      thing("OpenTelemetryCollector", "app", { spec: { env: [{ name: "API_TOKEN", value: "abc" }] } }),
      deployment({ env: [{ name: "API_TOKEN", value: "abc" }], args: ["--db-password=abc"] }),
    ],
    says: [
      "variable API_TOKEN of container otc-container holds a secret according to its name",
      "variable API_TOKEN of container app holds a secret according to its name",
      "an argument of container app holds a secret according to its name",
    ].map(
      (what) =>
        `app: ${what}: anyone with read access to the Deployment sees it, and \`ps\` on the node shows arguments. Read it from a Secret with valueFrom.secretKeyRef.`,
    ),
  },
  {
    rule: "disruption-budgets",
    passes: [
      deployment(),
      deployment({}, {}, 2),
      budgetOf([
        { key: "app", operator: "In", values: ["app", "other"] },
        { key: "app", operator: "Exists" },
        { key: "app", operator: "NotIn", values: ["other"] },
        { key: "other", operator: "DoesNotExist" },
      ]),
    ],
    fails: [
      deployment({}, {}, 2),
      { ...budget, namespace: "elsewhere" },
      budgetOf([{ key: "app", operator: "NotIn", values: ["app"] }]),
      budgetOf([{ key: "other", operator: "Exists" }]),
      ...[{}, { minAvailable: "0%" }, { maxUnavailable: "51%" }].flatMap((spec, index) => {
        const namespace = `apps-${index}`;
        const { selector } = budget.object["spec"];
        return [
          { ...deployment({}, {}, 2), namespace },
          { ...budget, namespace, object: { spec: { selector, ...spec } } },
        ];
      }),
    ],
    says: [
      "app: it has replicas and no PodDisruptionBudget: concurrent drains, as in a cluster upgrade, would evict all replicas of a quorum. Turn podDisruptionBudget on in its values.",
      ...Array.from(
        { length: 3 },
        () =>
          "app: its PodDisruptionBudget lets all replicas be evicted at once: concurrent drains, as in a cluster upgrade, would evict all replicas of a quorum. Set maxUnavailable to 1.",
      ),
    ],
  },
  {
    rule: "tokens-needed",
    passes: [
      deployment(),
      {
        ...deployment({}, { automountServiceAccountToken: undefined, serviceAccountName: "able" }),
        name: "able",
      },
      thing(
        "RoleBinding",
        "able",
        { subjects: [{ kind: "ServiceAccount", name: "able" }] },
        { namespace: "apps" },
      ),
    ],
    fails: [deployment({}, { automountServiceAccountToken: undefined })],
    says: [
      "app: it has the token of ServiceAccount default, which has no permissions: an unneeded token helps an attacker. Set automountServiceAccountToken to false.",
    ],
  },
];

const objects: RuleSpec[] = [
  {
    rule: "charts-pinned",
    passes: [release("loki", {}), release("loki", {}, { chart: "/charts/loki", version: undefined })],
    fails: [release("loki", {}, { version: undefined }), release("loki", {}, { version: "^1.2.0" })],
    says: [
      "loki: chart loki is installed without a version: without it, an unrelated update installs the newest version. Use the version in charts.json (chartSources in charts.ts).",
      'loki: chart loki is installed as "^1.2.0", which is not a single version: without it, an unrelated update installs the newest version. Use the version in charts.json (chartSources in charts.ts).',
    ],
  },
  {
    rule: "releases-recoverable",
    passes: [release("loki", {})],
    fails: [release("loki", {}, { atomic: true, maxHistory: 1 })],
    says: [
      "loki: Helm uninstalls it if its installation fails (atomic): the pods and events of a failed installation show its cause, and helm rollback needs an earlier revision. Remove atomic.",
      "loki: Helm keeps one revision, so there is none to roll back to: the pods and events of a failed installation show its cause, and helm rollback needs an earlier revision. Set charts.history to 2 or more.",
    ],
  },
  {
    rule: "pod-security-labels",
    passes: [thing("Namespace", "apps", labels("restricted"))],
    fails: [
      thing("NamespacePatch", "apps", {
        metadata: {
          labels: {
            ...labels("baseline").metadata.labels,
            "pod-security.kubernetes.io/enforce": "privileged",
          },
        },
      }),
    ],
    says: [
      "apps: pod-security.kubernetes.io/enforce is privileged: without the labels the API server admits privileged pods from any user. Set it to restricted (podSecurity in names.ts).",
    ],
  },
  {
    rule: "network-policies",
    passes: [thing("Namespace", "apps"), deny({ ...both, egress: [{ ports: [{ port: 53 }] }] })],
    fails: [
      thing("NamespacePatch", "apps"),
      thing("Namespace", "open"),
      deny(both, { namespace: "open" }),
      // Empty lists of peers and ports allow all, as do these peers; without policyTypes, rules decide.
      ...[
        { ingress: [{ from: [], ports: [] }], egress: [{}] },
        { ...both, ingress: [{ from: [{ namespaceSelector: { matchLabels: {} } }] }] },
        { ...both, egress: [{ to: [{ podSelector: {} }, { ipBlock: { cidr: "0.0.0.0/0" } }] }] },
      ].map((spec, index) => deny(spec, { name: `open-${index}`, namespace: "open" })),
      // These are not open.
      deny(
        {
          ...both,
          ingress: [
            {
              from: [
                { podSelector: {} },
                { namespaceSelector: { matchExpressions: [{ key: "a", operator: "Exists" }] } },
              ],
            },
            { ports: [{ port: 53 }] },
          ],
          egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } }] }],
        },
        { namespace: "open" },
      ),
    ],
    says: [
      ...["ingress", "egress"].map(
        (direction) =>
          `apps: no NetworkPolicy denies ${direction} by default: without them, every pod of the cluster can reach the stores behind the gateways. Set network.policies to true, and add a new namespace to values/network-flows.ts.`,
      ),
      ...[
        "open-0 allows all ingress",
        "open-1 allows all ingress",
        "open-0 allows all egress",
        "open-2 allows all egress",
      ].map(
        (what) =>
          `open: NetworkPolicy ${what}: without them, every pod of the cluster can reach the stores behind the gateways. Name its peers or ports; policies add up, so no other policy denies what one allows.`,
      ),
    ],
  },
  {
    rule: "no-secrets-in-values",
    passes: [
      release("app", {
        existingSecret: "app",
        imagePullSecrets: ["pull"],
        automountServiceAccountToken: false,
        password: "${PASSWORD}",
        "grafana.ini": { database: { password: "$__file{/etc/secret}" } },
      }),
    ],
    fails: [
      release("app", {
        auth: { password: "abc", adminPassword: 12345678, tokens: 512 },
        extraEnv: [{ name: "API_TOKEN", value: "abc" }],
        config: 'a = 1\npassword = "abc"\n',
        url: "http://user:secret@db:1",
      }),
    ],
    says: [
      "values.auth.password holds a secret according to its name",
      "values.auth.adminPassword holds a secret according to its name",
      "values.extraEnv[0] holds a secret according to its name",
      "values.config holds password, a secret according to its name",
      "values.url holds a password in an address",
    ].map(
      (what) =>
        `app: ${what}: Helm stores values in plain text in the cluster, and Pulumi shows them in every preview. Move it to a Secret and refer to that (existingSecret), or read it with $\{VARIABLE}.`,
    ),
  },
  {
    rule: "no-secrets-in-configmaps",
    passes: [
      thing("ConfigMap", "app", {
        data: {
          "a.yaml": 'password: "${PASSWORD}"\nsecret_name: app\n',
          "b.alloy": "password = local.file.x.content",
        },
      }),
      thing("Secret", "app", { stringData: { password: "abc" } }),
    ],
    fails: [
      thing("ConfigMap", "app", {
        data: { "a.yaml": "secret_key: abc\n", "b.pem": "-----BEGIN PRIVATE KEY-----" },
      }),
    ],
    says: [
      "data.a.yaml holds secret_key, a secret according to its name",
      "data.b.pem holds a private key",
    ].map(
      (what) =>
        `app: ${what}: ConfigMaps are not encrypted, and more users can read them than Secrets. Move it to a Secret.`,
    ),
  },
  {
    rule: "no-secrets-in-outputs",
    passes: [
      thing("Stack", "outputs", { url: "http://a", password: "abc" }, { secretOutputs: ["password"] }),
    ],
    fails: [thing("Stack", "outputs", { password: "abc", key: "[generated]" }, { secretOutputs: [] })],
    says: [
      "output password is plain and holds a secret according to its name",
      "output key is plain and holds a generated secret",
    ].map(
      (what) =>
        `outputs: ${what}: plain outputs are shown at the end of every update and stored in plain text in the state. Mark it with pulumi.secret, or remove it.`,
    ),
  },
  {
    rule: "alerts-delivered",
    passes: [
      alertmanager(["(heartbeat)", "oncall"]),
      thing("Secret", "other", { stringData: { password: "x" } }),
    ],
    fails: [alertmanager([]), alertmanager(["(heartbeat)"]), alertmanager(["oncall"])],
    says: [
      "no receiver gets alerts|Set alerting.receivers.",
      "it has no dead man's switch|Set alerting.heartbeat.",
      "no receiver gets alerts|Set alerting.receivers.",
      "it has no dead man's switch|Set alerting.heartbeat.",
    ].map(
      (text) =>
        `alertmanager-config: ${text.replace("|", ": an outage that pages no one lasts until a user reports it. ")}`,
    ),
  },
  {
    rule: "backups-scheduled",
    passes: [bucket, thing("CronJob", "backup", { metadata: { name: "backup" }, spec: {} })],
    fails: [
      bucket,
      thing("CronJob", "backup", { metadata: { name: "backup" }, spec: { suspend: true } }),
      thing("CronJob", "other", { metadata: { name: "other" }, spec: {} }),
    ],
    says: [
      "logs: it has no scheduled backup: the loss of the object storage is the loss of all logs, metrics and traces. Set backups.destination.",
    ],
  },
  {
    rule: "services-internal",
    passes: [
      thing("Service", "app", { spec: { type: "ClusterIP" } }),
      release("app", { service: { type: "ClusterIP" } }),
    ],
    fails: [
      thing("Service", "app", { spec: { type: "NodePort", externalIPs: ["192.0.2.1"] } }),
      release("app", { service: { type: "LoadBalancer" } }),
    ],
    says: [
      "its type is NodePort",
      "it has external addresses 192.0.2.1",
      "values.service.type is LoadBalancer",
    ].map(
      (what) =>
        `app: ${what}: external access bypasses NetworkPolicies for pods, and the Ingress with its TLS and login. Set its type to ClusterIP and use an Ingress, or list it in policies/exceptions.ts.`,
    ),
  },
  {
    rule: "ingress-tls",
    passes: [
      thing("Ingress", "app", {
        spec: { tls: [{ hosts: ["a.example.com"] }], rules: [{ host: "a.example.com" }] },
      }),
      thing("Ingress", "app", { spec: { tls: [{}], rules: [{ host: "a.example.com" }] } }),
      release("app", { ingress: { enabled: false } }),
    ],
    fails: [
      thing("Ingress", "app", { spec: { rules: [{ host: "a.example.com" }] } }),
      thing("Ingress", "app", { spec: { defaultBackend: { service: { name: "app" } } } }),
      release("app", { ingress: { enabled: true } }),
    ],
    says: [
      "host a.example.com has no TLS",
      "host (any) has no TLS",
      "values.ingress is enabled without tls",
    ].map(
      (what) =>
        `app: ${what}: passwords and session cookies would be sent in plain text. Name the Secret with the certificate, as grafana.ingress.tlsSecret does.`,
    ),
  },
  {
    rule: "tls-inside",
    passes: [
      release("grafana", { "grafana.ini": { server: { protocol: "https" } } }),
      release("minio", { tls: { enabled: true } }),
      release("loki", {}),
    ],
    fails: [release("grafana", { "grafana.ini": { server: {} } }), release("minio", {})],
    says: ["grafana: logins and sessions", "minio: objects and the console's login"].map(
      (what) =>
        `${what} are sent unencrypted: anyone with access to the network between nodes can read them. Set network.tls.certificates to ownCa or certManager, or encrypt the network between nodes (docs/guides/tls.md).`,
    ),
  },
  {
    rule: "no-anonymous-access",
    passes: [release("grafana", { "grafana.ini": { "auth.anonymous": { enabled: false } } })],
    fails: [
      release("grafana", { "grafana.ini": { "auth.anonymous": { enabled: true } } }),
      release("grafana", { env: { GF_AUTH_ANONYMOUS_ENABLED: "true" } }),
      release("grafana", { extraEnv: [{ name: "GF_AUTH_ANONYMOUS_ENABLED", value: "true" }] }),
    ],
    says: ["grafana.ini.auth.anonymous.enabled", "env.GF_AUTH_ANONYMOUS_ENABLED", "extraEnv[0]"].map(
      (path) =>
        `grafana: values.${path} is true: data sources answer every query that Grafana forwards with its own credentials. Remove it.`,
    ),
  },
  {
    rule: "rbac-no-wildcards",
    passes: [role({ apiGroups: [""], resources: ["pods"], verbs: ["get"] })],
    fails: [role({ apiGroups: ["apps"], resources: ["deployments"], verbs: ["*"] })],
    says: [
      "reader: it allows * of deployments in apps: it silently extends to every API that is installed later. List the required verbs, resources and API groups.",
    ],
  },
  {
    rule: "rbac-no-admin",
    passes: [
      thing("ClusterRoleBinding", "app", { roleRef: { name: "view" } }),
      role({ resources: ["roles"], verbs: ["get"] }),
    ],
    fails: [
      thing("ClusterRoleBinding", "app", { roleRef: { name: "cluster-admin" } }),
      role({ resources: ["users"], verbs: ["impersonate"] }),
    ],
    says: [
      "app: it binds to cluster-admin: a pod with this permission controls the cluster. Bind it to a role with only the required permissions.",
      "reader: it allows impersonate of users: a pod with this permission controls the cluster. Remove escalate, bind and impersonate.",
    ],
  },
  {
    rule: "rbac-secrets",
    passes: [
      role({ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }, "Role"),
      role({ apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: ["one"] }),
    ],
    fails: [role({ apiGroups: [""], resources: ["secrets"], verbs: ["list"] })],
    says: [
      "reader: it allows list of all Secrets: an attacker in its pod gets every password in the cluster. Use a Role in the namespaces that need it, or name the Secrets.",
    ],
  },
  {
    rule: "apis-served",
    passes: [thing("PodDisruptionBudget", "app", { apiVersion: "policy/v1" })],
    fails: [thing("PodDisruptionBudget", "app", { apiVersion: "policy/v1beta1" })],
    says: [
      "app: its apiVersion is policy/v1beta1: the API server would reject it, and the release fails. Use policy/v1; a newer chart does.",
    ],
  },
  {
    rule: "images-maintained",
    passes: [deployment()],
    fails: [deployment({ image: "quay.io/minio/minio:RELEASE" })],
    says: [
      "app: container app uses image quay.io/minio/minio, which is no longer updated: its next vulnerability will not be fixed. Use a maintained one; docs/guides/object-storage.md lists the options for MinIO.",
    ],
  },
  {
    rule: "images-supported",
    passes: [deployment()],
    fails: [
      deployment({ image: "docker.io/grafana/mimir:2.16.0" }),
      deployment({ image: "registry.test/grafana/tempo:2.8.1" }),
    ],
    says: [
      "app: container app: grafana/mimir 2.16 gets no more fixes: its next vulnerability will not be fixed. Upgrade it: docs/guides/upgrades.md.",
      "app: container app: grafana/tempo 2.8 gets no more fixes: its next vulnerability will not be fixed. Upgrade it: docs/guides/upgrades.md.",
    ],
  },
];

const stores: RuleSpec[] = [
  {
    rule: "buckets-private",
    passes: [bucket, thing("S3BucketPolicy", "logs", policy({ Effect: "Deny", Principal: "*" }))],
    fails: [
      thing("S3Bucket", "logs", { acl: "public" }),
      thing("S3BucketPolicy", "logs", policy({ Principal: { AWS: ["arn:aws:iam::1:user/a", "*"] } })),
    ],
    says: [
      "logs: acl is public: logs, metrics and traces contain customer activity and system details. Set acl to private.",
      "logs: anyone may read or write: logs, metrics and traces contain customer activity and system details. Remove the statement; each store has its own user.",
    ],
  },
  {
    rule: "buckets-encrypted",
    // Before the bucket is created, its name is unknown to resources that refer to it.
    passes: [bucket, thing("S3BucketServerSideEncryption", "logs", { encryptionType: "aws:kms" })],
    fails: [
      bucket,
      thing("S3BucketServerSideEncryption", "logs", { bucket: "another", encryptionType: "aws:kms" }),
    ],
    says: [
      "logs: no S3BucketServerSideEncryption is set for it: a stolen or discarded disk would be readable. Add one, as components/object-storage/buckets.ts does.",
    ],
  },
  {
    rule: "buckets-lifecycle",
    passes: [bucket, thing("IlmPolicy", "logs", { bucket: "logs", rules: [{ expiration: "37d" }] })],
    fails: [bucket, thing("IlmPolicy", "logs", { bucket: "logs", rules: [] })],
    says: [
      "logs: no lifecycle rule deletes objects in it: objects that a component misses would be stored, and paid for, indefinitely. Add an IlmPolicy with an expiration (values/minio-access.ts).",
    ],
  },
  {
    rule: "buckets-owned",
    passes: [bucket, ...["loki", "backup", "restore"].map((name) => thing("IamPolicy", name, mine))],
    fails: [
      bucket,
      thing("S3Bucket", "more"),
      // A backup user with delete permission does not protect the backup.
      thing(
        "IamPolicy",
        "backup",
        policy({ Action: ["s3:DeleteObject"], Resource: ["arn:aws:s3:::logs/*"] }),
      ),
      // The engine's order is not alphabetical.
      thing("IamPolicy", "tempo", mine),
      thing("IamPolicy", "loki", mine),
    ],
    says: [
      "logs: policies backup, loki, tempo all allow access to it",
      "more: no policy allows access to it",
    ].map(
      (what) =>
        `${what}: a user with access to another's bucket can read or delete its data. Allow exactly one store (bucketsOf in names.ts).`,
    ),
  },
  {
    rule: "iam-no-wildcards",
    passes: [thing("IamPolicy", "loki", mine)],
    fails: [
      thing("IamPolicy", "loki", policy({ NotAction: "s3:PutObject", NotResource: "arn:aws:s3:::loki/*" })),
      thing("IamPolicy", "loki", policy({ Action: "s3:*", Resource: "arn:aws:s3:::*" })),
    ],
    says: [
      "loki: it allows every action but those of NotAction: a user with it can read and delete all data, and create users. List the actions that the store needs.",
      "loki: it allows them on every bucket but those of NotResource: a user with it can read and delete all data, and create users. List the store's buckets.",
      "loki: it allows action s3:*: a user with it can read and delete all data, and create users. List the actions that the store needs.",
      "loki: it allows them on arn:aws:s3:::*: a user with it can read and delete all data, and create users. List the store's buckets.",
    ],
  },
  {
    rule: "storage-distributed",
    passes: [release("minio", { mode: "distributed", replicas: 4 })],
    fails: [release("minio", { mode: "distributed", replicas: 3 })],
    says: [
      "minio: it has 3 servers: the disk of a single server is the only copy of all data. Set objectStorage.minio.mode to distributed and servers to 4 or more, or use an external S3 (objectStorage.kind).",
    ],
  },
  {
    rule: "replica-minimums",
    passes: [release("tempo", { ingester: { replicas: 3, config: { replication_factor: 3 } } })],
    fails: [
      release("mimir", {
        store_gateway: { replicas: 1 },
        mimir: { structuredConfig: { ingester: { ring: { replication_factor: 1 } } } },
      }),
    ],
    says: [
      "mimir: store_gateway has 1 replicas, fewer than 2: with fewer, the loss of one node loses data or interrupts queries. Set mimir.storeGateway.replicas to 2 or more.",
      "mimir: each write goes to 1 ingesters, fewer than 3: with fewer, the loss of one node loses data or interrupts queries. Set mimir.replicationFactor to 3.",
    ],
  },
  {
    rule: "sampling",
    passes: [
      thing("Instrumentation", "default", { spec: { sampler: traces } }),
      // SDKs that keep all traces leave sampling to Alloy (tracing.sampling.appliedBy).
      thing("Instrumentation", "all", { spec: { sampler: { type: "parentbased_always_on" } } }),
      thing("Stack", "outputs", { tracesSamplingRatio: 0.1 }),
    ],
    fails: [thing("Stack", "outputs", { tracesSamplingRatio: 0.11 })],
    says: [
      "outputs: output tracesSamplingRatio keeps 11 % of traces, not at most 10 %: in production more traces add cost without benefit, and in development a missing trace hinders debugging. Set tracing.sampling.ratio to at most 10 %, or change prodMaximum in policies/config/<stack>.json.",
    ],
  },
  {
    rule: "sampling",
    environment: "dev",
    passes: [thing("Stack", "outputs", { tracesSamplingRatio: 1 })],
    fails: [thing("Instrumentation", "default", { spec: { sampler: traces } })],
    says: [
      "default: spec.sampler keeps 10 % of traces, not at least 100 %: in production more traces add cost without benefit, and in development a missing trace hinders debugging. Set tracing.sampling.ratio to at least 100 %, or change devMinimum in policies/config/<stack>.json.",
    ],
  },
  {
    rule: "retention-minimums",
    passes: [release("loki", { loki: { limits_config: { retention_period: "720h" } } })],
    fails: [release("tempo", { compactor: { config: { compaction: { block_retention: "48h" } } } })],
    says: [
      "tempo: values.compactor.config.compaction.block_retention keeps data for 2 days, fewer than 30: data deleted too early is missing in an audit or incident. Set tempo.retention to 30d or more, or lower tempoDays in policies/config/<stack>.json.",
    ],
  },
  {
    rule: "retention-runs",
    passes: [release("loki", { loki: { compactor: { retention_enabled: true } } })],
    fails: [release("loki", {})],
    says: [
      "loki: values.loki.compactor.retention_enabled is not true: otherwise the bucket grows until it is full, and the lifecycle rule deletes chunks that the index still references. Set it, with a delete_request_store (values/loki.ts).",
    ],
  },
  {
    rule: "tenancy",
    passes: [release("loki", { loki: { auth_enabled: true } }), release("grafana", {})],
    fails: [release("mimir", {})],
    says: [
      "mimir: values.mimir.structuredConfig.multitenancy_enabled is not true: otherwise all data belongs to one tenant: limits, retention and gateway users do not apply, and existing data is not found. Set it in values/mimir.ts.",
    ],
  },
  {
    rule: "agent-cluster",
    passes: [
      collector({ CLUSTER: "eu-1", LOKI_USER: "eu-1-write", GATEWAY_CERTIFICATE: "/etc/gateway/client.crt" }),
      // A stack with its own stores writes tenants of other names.
      collector({ CLUSTER: "prod", LOKI_USER: "logs-write", GATEWAY_CERTIFICATE: "" }),
    ],
    fails: [
      collector({
        CLUSTER: "us-1",
        WRITERS: '{"pods":"eu-1-write","nodes":"eu-1-write"}',
        GATEWAY_CERTIFICATE: "/etc/gateway/client.crt",
      }),
    ],
    says: [
      "alloy-logs: CLUSTER names cluster us-1, and the user is eu-1-write: the hub would show its signals as those of another cluster, or discard them. Set cluster.name to the name that the hub lists in agents, and leave both variables to the stack.",
    ],
  },
  {
    rule: "stateful-protected",
    passes: [bucket, thing("Secret", "other", {}, { protect: false }), thing("Namespace", "rendered")],
    fails: [thing("PersistentVolumeClaim", "data", {}, { protect: false })],
    says: [
      "data: it is not protected: a renamed resource or a wrong stack would delete the data. Set cluster.protect to true. To delete the stack, run up with --no-policies.",
    ],
  },
  {
    rule: "loki-index",
    passes: [
      release("loki", {
        loki: {
          schemaConfig: {
            configs: [
              { from: "2024-01-01", store: "boltdb-shipper" },
              { from: "2030-01-01", store: "tsdb" },
            ],
          },
        },
      }),
    ],
    fails: [
      release("loki", {
        loki: { schemaConfig: { configs: [{ from: "2024-01-01", store: "boltdb-shipper" }] } },
      }),
    ],
    says: [
      "loki: the schema from 2024-01-01 uses the index boltdb-shipper: boltdb-shipper is deprecated: it has no structured metadata, is slower, and is removed in Loki 4. Add an entry to loki.schema with store tsdb and a date in the future (docs/guides/logs.md).",
    ],
  },
];

export const ruleSpecs: RuleSpec[] = [...pods, ...objects, ...stores];
export { goodContainer };
