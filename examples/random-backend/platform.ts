import * as pulumi from "@pulumi/pulumi";

/** The outputs of the observability stack that this program uses. */
export interface Platform {
  /** `dev` or `prod`. */
  environment: pulumi.Output<string>;
  /** Endpoint for spans, OTLP over HTTP. */
  otlpEndpoint: pulumi.Output<string>;
  /** Share of traces that is kept. */
  samplingRatio: pulumi.Output<number>;
  /** Namespace and name of the Instrumentation of the pods. */
  instrumentation: pulumi.Output<string>;
}

/** @param stack full name of the observability stack: `<organization>/observability/<stack>` */
export function readPlatform(stack: string): Platform {
  const reference = new pulumi.StackReference("platform", { name: stack });
  const output = <T>(name: string): pulumi.Output<T> => reference.requireOutput(name) as pulumi.Output<T>;
  return {
    environment: output("environment"),
    otlpEndpoint: output("otlpHttpEndpoint"),
    samplingRatio: output("tracesSamplingRatio"),
    instrumentation: output("instrumentation"),
  };
}
