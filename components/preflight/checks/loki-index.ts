import { parse } from "yaml";
import type { Problem, Settings } from "../../../settings";
import { longestRetention } from "../../../settings/retention";
import { day } from "../../../settings/units";
import { type Check, error } from "../check";

type Period = Settings["loki"]["schema"][number];

const path = "loki.schema";

const same = (one: Period, other: Period) => one.from === other.from && one.store === other.store;
const textOf = ({ from, store }: Period) => `{from: "${from}", store: ${store}}`;

/** The periods of an index in Loki's configuration. */
const periodsOf = (configuration: string): Period[] =>
  (parse(configuration)?.schema_config?.configs ?? []).map(({ from, store }: Period) => ({ from, store }));

/**
 * Periods that differ from those with which Loki has written logs. It reads logs only with the index that it wrote them
 * with.
 *
 * @param live periods of the running Loki
 * @param now the time, which ends periods and their retention
 */
function indexProblems(settings: Settings, live: Period[], now: Date): Problem[] {
  const { schema } = settings.loki;
  const dateBefore = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString().slice(0, 10);
  const today = dateBefore(0);
  const oldest = dateBefore(longestRetention(settings).loki + day);
  const written = live.filter(({ from }, index) => {
    const end = live[index + 1]?.from;
    return from <= today && (end === undefined || end >= oldest);
  });
  const lost = written
    .filter((period) => !schema.some((wanted) => same(wanted, period)))
    .map((period) => ({
      path,
      was: schema,
      allowed: `a list with ${textOf(period)}: Loki wrote logs with that index, and cannot find them without it; docs/guides/logs.md#the-index`,
    }));
  if (lost.length || live.length === 0) return lost;
  return schema.flatMap((wanted, index) =>
    wanted.from > today || live.some((period) => same(wanted, period))
      ? []
      : [
          {
            path: `${path}[${index}].from`,
            was: wanted.from,
            allowed: `a date after today, ${today} (UTC): since that date, Loki has written logs with another index`,
          },
        ],
  );
}

/** Loki finds all logs that it has written. */
export const check: Check<"lokiConfiguration"> = {
  name: "index of Loki",
  needs: ["lokiConfiguration"],
  protectsData: true,
  find: ({ settings, facts: { lokiConfiguration } }) =>
    lokiConfiguration === undefined
      ? []
      : indexProblems(settings, periodsOf(lokiConfiguration), new Date()).map(error),
};
