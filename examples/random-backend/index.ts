/**
 * The Random backend: `api` calls `numbers`, which keeps its numbers in PostgreSQL. Nothing in it is about tracing; the
 * observability stack of the same cluster is read for how its pods are instrumented.
 */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { readPlatform } from "./platform";
import { Postgres } from "./postgres";
import { TracedService } from "./traced-service";

const config = new pulumi.Config();
const image = config.require("image");
const replicas = config.requireNumber("replicas");
const platform = readPlatform(config.get("platform") ?? `organization/observability/${pulumi.getStack()}`);

const { metadata } = new k8s.core.v1.Namespace("random-backend", {
  metadata: {
    name: "random-backend",
    labels: {
      "app.kubernetes.io/part-of": "random-backend",
      "pod-security.kubernetes.io/enforce": "restricted",
      "pod-security.kubernetes.io/audit": "restricted",
      "pod-security.kubernetes.io/warn": "restricted",
    },
  },
});
const namespace = metadata.name;

const postgres = new Postgres("postgres", {
  namespace,
  image: config.require("postgresImage"),
  exporterImage: config.require("postgresExporterImage"),
  client: "numbers",
});
const common = { namespace, image, replicas, platform };
const numbers = new TracedService("numbers", { ...common, env: postgres.clientEnv, metrics: true });
const api = new TracedService("api", {
  ...common,
  env: [{ name: "NUMBERS_URL", value: numbers.url }],
  metrics: false,
});

/** Address inside the cluster. */
export const url = api.url;
export const environment = platform.environment;
/** Share of this application's traces that is kept, as the observability stack says. */
export const samplingRatio = platform.samplingRatio;
/** Where its spans are sent, as the observability stack says. */
export const otlpEndpoint = platform.otlpEndpoint;
