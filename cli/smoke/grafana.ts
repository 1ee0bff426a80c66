/** Grafana: it answers, and so does everything that it reads (R8.6). */

import { type Datasource, grafanaHealth, health, withGrafana } from "../grafana";
import type { Check } from "./check";

export const grafana: Check[] = [
  {
    name: "Grafana answers, and each of its datasources is healthy",
    async show({ config, settings }) {
      const { version, database } = await grafanaHealth(config);
      if (database !== "ok") throw new Error(`Grafana's database is ${database}`);
      const itself = `version ${version}, database ok`;
      if (settings.environment === "prod")
        return `${itself}; its datasources were not asked: in prod nobody logs in but through grafana.auth`;
      return withGrafana(config, async (api) => {
        const datasources = (await api.json("/api/datasources")) as Datasource[];
        const answers = await Promise.all(
          datasources.map((one) =>
            health(api, one).then(
              () => undefined,
              (error: Error) => `${one.name}: ${error.message}`,
            ),
          ),
        );
        const sick = answers.filter((answer) => answer !== undefined);
        if (sick.length) throw new Error(sick.join("; "));
        return `${itself}; ${datasources.length} of ${datasources.length}: ${datasources.map(({ name }) => name).join(", ")}`;
      });
    },
  },
];
