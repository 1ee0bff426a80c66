/** `npm run generate:metrics`: writes `values/kept-metrics.json`, from all that the charts and this project read. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { usedMetrics } from "../tests/support/used-metrics";

usedMetrics().then(
  (names) => writeFileSync(join("values", "kept-metrics.json"), `${JSON.stringify(names, undefined, 2)}\n`),
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
