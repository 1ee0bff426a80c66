/** Long work: several things at a time, tried again when they fail, and told about while they go on. */
import { setTimeout as wait } from "node:timers/promises";

/** Does something with each item, at most `width` at a time. @throws the first failure, when those under way have ended */
export async function each<T>(items: T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of queue) {
      if (failed) return;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: width }, worker));
  const end = ends.find((one) => one.status === "rejected");
  if (end) throw end.reason;
}

/** Tries up to four times, with 1, 2 and 4 s between, unless the failure is one that stays. @throws the last failure */
export async function patiently<T>(
  work: () => Promise<T>,
  final: (error: Error) => boolean,
  pause = 1000,
): Promise<T> {
  for (let attempt = 0; ; attempt++)
    try {
      return await work();
    } catch (error) {
      if (attempt === 3 || final(error as Error)) throw error;
      await wait(pause * 2 ** attempt);
    }
}

const codeOf = (error: Error): string => (error as { code?: string }).code ?? "";

/** Whether an object was deleted since it was listed; a component does that to data which it has compacted. */
export const gone = (error: Error): boolean => ["NoSuchKey", "NotFound"].includes(codeOf(error));

/** Whether a failure of S3 stays one however often it is tried. */
export const stays = (error: Error): boolean =>
  gone(error) || ["AccessDenied", "NoSuchBucket", "SignatureDoesNotMatch"].includes(codeOf(error));

/** Fails when something has not come to its end in time. @param seconds how long it may take */
export async function within<T>(seconds: number, what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = wait(seconds * 1000, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: nothing within ${seconds} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}

/** Bytes as people read them. */
export function readable(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(bytes > 0 ? Math.floor(Math.log2(bytes) / 10) : 0, units.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

/** Counts objects and bytes, and says every few seconds on stderr how far it is. */
export class Progress {
  objects = 0;
  bytes = 0;
  private said = Date.now();

  constructor(
    private readonly what: string,
    private readonly total: { objects: number; bytes: number },
  ) {}

  /** Counts one object that is done. */
  add(bytes: number): void {
    this.objects++;
    this.bytes += bytes;
    if (Date.now() - this.said < 5000) return;
    this.said = Date.now();
    const { objects, bytes: all } = this.total;
    console.error(
      `  ${this.what}: ${this.objects} of ${objects} objects, ${readable(this.bytes)} of ${readable(all)}`,
    );
  }
}
