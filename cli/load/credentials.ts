/** What the load test proves to the gateways who it is with. */

/** Variables of k6's environment: `LOKI_`, `MIMIR_`, `TEMPO_` and then `USERNAME` or `PASSWORD`. */
export type Credentials = Partial<Record<`${"LOKI" | "MIMIR" | "TEMPO"}_${"USERNAME" | "PASSWORD"}`, string>>;

/** The credentials; where a store has none, the script names the tenant instead. */
export const credentials = async (): Promise<Credentials> => ({});
