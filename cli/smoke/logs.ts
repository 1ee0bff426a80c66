/** Logs: a line goes into Loki and is found (R2.7). */
import { gatewayUser, services, tenants } from "../../names";
import { bodyOf } from "../service";
import { type Check, until } from "./check";

export const logs: Check[] = [
  {
    name: "a log line is written and found",
    async show({ config, run }) {
      const stream = { job: "obs-smoke", run };
      const body = JSON.stringify({
        streams: [{ stream, values: [[`${Date.now()}000000`, `smoke ${run}`]] }],
      });
      const headers = { "Content-Type": "application/json" };
      const path = "/loki/api/v1/push";
      await bodyOf(config, services.loki, {
        method: "POST",
        path,
        as: gatewayUser(tenants.logs, "write"),
        headers,
        body,
      });
      const query = `{job="obs-smoke", run="${run}"}`;
      const line = await until(60, "the line", async () => {
        const parameters = new URLSearchParams({ query, start: `${Date.now() - 600_000}000000` });
        const answer = await bodyOf(config, services.loki, {
          path: `/loki/api/v1/query_range?${parameters}`,
          as: gatewayUser(tenants.logs, "read"),
        });
        return JSON.parse(answer).data.result[0]?.values[0]?.[1] as string | undefined;
      });
      return `${query} gives "${line}"`;
    },
  },
];
