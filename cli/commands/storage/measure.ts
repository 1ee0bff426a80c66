/** What lies in a bucket, counted object by object: exact, where MinIO's own metrics are as old as its scanner's last round. */
import type { Client } from "minio";

/** Objects and the room they take. Old versions count as objects of their own, because they take room too. */
export interface Amount {
  objects: number;
  /** As the client that wrote them counts; erasure coding takes more. */
  bytes: number;
}

/** A bucket at one time. */
export interface Held extends Amount {
  /** When the newest object was written by the store's clock, in milliseconds since 1970; 0 where there is none. */
  newest: number;
}

/** An object as a listing has it. */
interface Listed {
  size?: number;
  lastModified?: Date | string;
}

/**
 * Counts a listing.
 *
 * @param since a time in milliseconds; `before` is then what was written at or before it and is still there
 */
export async function count(
  listing: AsyncIterable<Listed>,
  since = 0,
): Promise<{ held: Held; before: Amount }> {
  const held: Held = { objects: 0, bytes: 0, newest: 0 };
  const before: Amount = { objects: 0, bytes: 0 };
  for await (const { size = 0, lastModified } of listing) {
    const written = lastModified ? new Date(lastModified).valueOf() : 0;
    held.objects += 1;
    held.bytes += size;
    held.newest = Math.max(held.newest, written);
    if (written <= since) {
      before.objects += 1;
      before.bytes += size;
    }
  }
  return { held, before };
}

/** Counts a bucket with all versions of its objects. */
export const countBucket = (client: Client, bucket: string, since?: number) =>
  count(client.listObjects(bucket, "", true, { IncludeVersion: true }) as AsyncIterable<Listed>, since);
