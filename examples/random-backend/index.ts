/**
 * The Random backend: `api` calls `numbers`, which stores its numbers in PostgreSQL. The program itself does not
 * configure tracing: the outputs of the observability stack define the instrumentation of its pods.
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

/** URL inside the cluster. */
export const url = api.url;
export const environment = platform.environment;
/** Share of this application's traces that is kept, from the observability stack. */
export const samplingRatio = platform.samplingRatio;
/** OTLP endpoint of its spans, from the observability stack. */
export const otlpEndpoint = platform.otlpEndpoint;
