/** Units that Grafana does not have: `count:` scales to K and M, `suffix:` does not. */
export const cores = "suffix:cores";
export const linesPerSecond = "count:lines/s";
export const samplesPerSecond = "count:samples/s";
export const spansPerSecond = "count:spans/s";
export const rowsPerSecond = "count:rows/s";
export const chunksPerSecond = "count:chunks/s";
export const blocksPerSecond = "count:blocks/s";
export const errorsPerSecond = "count:errors/s";
