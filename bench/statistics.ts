/** Aggregates the numbers of several repetitions. Pure. */

/** The middle value; of an even number of values, the mean of the two middle values. NaN without values. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 ? above : (below + above) / 2;
}

/**
 * The smallest value that at least this share of all values does not exceed (nearest rank, without interpolation). NaN
 * without values.
 *
 * @param share from 0 to 1
 */
export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * Multiple of a base: the median of each repetition's own ratio, because a slow phase of the machine affects both
 * values of a repetition.
 *
 * @param values, bases of the same repetitions, in the same order
 */
export const ratio = (values: number[], bases: number[]): number =>
  median(values.map((value, index) => value / (bases[index] ?? Number.NaN)));

/** A readable number: three digits, `-` for NaN. */
export const shortOf = (value: number): string =>
  Number.isFinite(value)
    ? value >= 100
      ? String(Math.round(value))
      : String(Number(value.toPrecision(3)))
    : "-";

/** The median with the minimum and the maximum: `12.5 (11.9 to 14)`; only the value if there is one. */
export function spread(values: number[]): string {
  if (values.length < 2) return shortOf(median(values));
  return `${shortOf(median(values))} (${shortOf(Math.min(...values))} to ${shortOf(Math.max(...values))})`;
}
