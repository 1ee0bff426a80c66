/** Lists of metadata: definitions and Helm's releases are large, and their metadata says who owns them. */
import { setHeaderOptions } from "@kubernetes/client-node";

/** Options of a list request for the metadata of its objects. The client itself sets `Accept`, in this spelling. */
export const metadataOnly = setHeaderOptions(
  "Accept",
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
);

/** The objects of such a list. For an empty one, the API server returns null. */
export const itemsOf = <T>({ items }: { items: T[] | null }): T[] => items ?? [];
