/** How applications reach the OTLP ports. */
import { z } from "zod";
import { dnsName, group, list, text } from "./fields";

/** An Ingress for the OTLP port for HTTP. */
const ingress = group({
  host: text("a host name such as otlp.example.com", /^[\w-]+(\.[\w-]+)+$/).describe("Host of the Ingress"),
  className: dnsName().optional().describe("Class of the Ingress; without it the cluster's default"),
  tlsSecret: dnsName()
    .optional()
    .describe(
      "Secret with the certificate, existing or made by cert-manager; without it the controller's own",
    ),
  annotations: z
    .record(z.string(), text("a text"), { error: () => "annotations by name" })
    .meta({ allowed: "annotations by name" })
    .optional()
    .describe("Annotations; add authentication here, because Alloy's OTLP ports have none"),
});

/** OTLP from applications and browsers. */
export const otlp = group({
  cors: group({
    allowedOrigins: list(
      text(
        "an origin such as https://shop.example.com or https://*.example.com",
        /^(\*|https?:\/\/[^\s/]+)$/,
      ),
      "a list of origins",
    ).describe("Origins of web pages that may send OTLP from the browser (CORS); none by default"),
  }).describe("Access from browsers"),
  ingress: ingress
    .optional()
    .describe("An Ingress for OTLP over HTTP; without it only pods of the cluster reach the OTLP ports"),
}).describe("OTLP endpoints for applications");
