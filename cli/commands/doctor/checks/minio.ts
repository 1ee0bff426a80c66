import { type Check, type Finding, findingIn } from "../check";
import { type Metrics, metrics, total } from "../metrics";
import { askPod, talkers } from "../readings";

/** Shares of what MinIO can hold: noted, soon full, about to refuse what is written. The first is the alert's, MinioStorageFilling. */
const filled = { note: 0.8, warning: 0.9, critical: 0.95 } as const;

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

/** What a server of MinIO says is wrong with the whole of it. */
export function judgeMinio(now: Metrics): Finding[] {
  const one = (name: string) => now(name)[0]?.value;
  const finding = findingIn("storage");
  const found: Finding[] = [];
  const servers = one("minio_cluster_nodes_offline_total") ?? 0;
  if (servers)
    found.push(
      finding(
        "critical",
        `${servers} servers of MinIO are offline`,
        `minio_cluster_nodes_offline_total is ${servers}`,
        "see why their pods do not run: kubectl -n minio get pods",
        "docs/operations/runbooks/MinioServerOffline.md",
      ),
    );
  const drives = (one("minio_cluster_drive_offline_total") ?? 0) - servers;
  if (drives > 0)
    found.push(
      finding(
        "critical",
        `${drives} drives of MinIO are offline although their servers run`,
        `minio_cluster_drive_offline_total is ${drives + servers}, of servers offline ${servers}`,
        "see what its servers say of their volumes: kubectl -n minio logs -l app=minio --tail=50",
        "docs/operations/runbooks/MinioDriveOffline.md",
      ),
    );
  if (!servers && drives <= 0 && one("minio_cluster_health_status") === 0)
    found.push(
      finding(
        "critical",
        "MinIO says of itself that it is not healthy",
        "minio_cluster_health_status is 0",
        "kubectl -n minio logs -l app=minio --tail=50",
        "docs/operations/runbook.md#storage",
      ),
    );
  const all = one("minio_cluster_capacity_usable_total_bytes");
  const free = one("minio_cluster_capacity_usable_free_bytes");
  const used = all ? 1 - (free ?? 0) / all : 0;
  const severity = (["critical", "warning", "note"] as const).find((level) => used > filled[level]);
  if (severity)
    found.push(
      finding(
        severity,
        `MinIO is ${percent(used)} full`,
        `${((free ?? 0) / 1024 ** 3).toFixed(1)} GiB of ${((all ?? 0) / 1024 ** 3).toFixed(1)} GiB are free on its drives`,
        "raise objectStorage.minio.disk, or shorten a retention",
        "docs/operations/runbooks/MinioStorageFilling.md",
      ),
    );
  for (const { labels, value: quota } of now("minio_bucket_quota_total_bytes")) {
    const { bucket = "" } = labels;
    const held = total(now("minio_bucket_usage_total_bytes"), { bucket });
    if (quota && held > quota * filled.warning)
      found.push(
        finding(
          held >= quota * filled.critical ? "critical" : "warning",
          `bucket ${bucket} holds ${percent(held / quota)} of its quota`,
          `${held} bytes of ${quota}`,
          "raise the bucket's quota, or shorten the retention of what it holds",
          "docs/operations/runbooks/MinioStorageFilling.md",
        ),
      );
  }
  return found;
}

/** MinIO's servers, drives and room. Of object storage that is somebody else's only its buckets are looked at. */
export const check: Check = {
  name: "object storage",
  async look(context) {
    const { kind, buckets } = context.settings.objectStorage;
    if (kind !== "minio") return [];
    // Every server tells of the whole.
    const [one] = (await talkers(context)).filter(({ key, ready }) => key === "minio" && ready);
    if (!one) return [];
    const quotas = Object.values(buckets).some(({ quota }) => quota);
    const pages = await Promise.all(
      ["cluster", ...(quotas ? ["bucket"] : [])].map((of) => askPod(context, one, `/minio/v2/metrics/${of}`)),
    );
    return judgeMinio(metrics(pages.map(({ body }) => body).join("\n")));
  },
};
