/** Access of applications to the OTLP ports. */
import { group, ingressFields, list, text } from "./fields";

/** An Ingress for the OTLP port for HTTP. */
const ingress = group({
  host: text("a host name such as otlp.example.com", /^[\w-]+(\.[\w-]+)+$/).describe("Host of the Ingress"),
  ...ingressFields("Annotations; add authentication here, because Alloy's OTLP ports have none"),
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
    .describe("An Ingress for OTLP over HTTP; without it, only pods of the cluster reach the OTLP ports"),
}).describe("OTLP endpoints for applications");
