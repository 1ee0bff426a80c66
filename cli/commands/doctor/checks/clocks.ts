import { CoordinationV1Api } from "@kubernetes/client-node";
import { services } from "../../../../names";
import { apiGet } from "../../../lib/api";
import { bodyOf } from "../../../lib/service";
import type { Check, Finding } from "../check";

/** Seconds between two clocks from which it is told: Alloy's and the stores' own limits are minutes, node-exporter's alert 0.05. */
export const skewWarning = 5;
/** From which signals get lost: Mimir takes no sample further in the future than 10 minutes, out-of-order windows are shorter. */
export const skewCritical = 60;
/** Seconds after which a node's lease is renewed at the latest; the kubelet does it every 10. */
const leaseAge = 40;

/** A clock, and what it shows beside the API server's, in seconds: positive where it is ahead. */
export interface Clock {
  who: string;
  ahead: number;
  /** What was read, and how far it may be wrong because of the way of reading, in seconds. */
  by: string;
  error: number;
}

/** Clocks that are apart from the API server's by more than what the reading itself may be wrong. */
export function clockFindings(clocks: Clock[]): Finding[] {
  return clocks.flatMap(({ who, ahead, by, error }): Finding[] => {
    const apart = Math.abs(ahead) - error;
    if (apart < skewWarning) return [];
    return [
      {
        severity: apart < skewCritical ? "warning" : "critical",
        layer: "cluster",
        what: `the clock of ${who} is ${Math.abs(ahead).toFixed(0)} s ${ahead > 0 ? "ahead of" : "behind"} the API server's`,
        evidence: `${by}, right within ${error.toFixed(0)} s`,
        fix: "have time synchronised on that machine: chronyc tracking, timedatectl",
        page: "docs/operations/runbook.md#components",
      },
    ];
  });
}

/** @param renewed when a node says that it renewed its lease @param now the API server's clock, epoch in ms */
export const leaseClock = (node: string, renewed: number, now: number): Clock => {
  const ahead = (renewed - now) / 1000;
  // A lease is as old as its last renewal, so only what lies in the future, or far back, tells of a clock.
  return { who: `node ${node}`, ahead, by: "its lease's renewTime", error: ahead > 0 ? 1 : leaseAge };
};

/** Clocks of nodes, Prometheus and this machine beside the API server's. */
export const check: Check = {
  name: "clocks",
  async look({ config, settings }) {
    const start = Date.now();
    const { date } = await apiGet(config, "/version");
    const end = Date.now();
    // The header has whole seconds.
    const clocks: Clock[] = [
      {
        who: "this machine",
        ahead: (start + end) / 2000 - date / 1000,
        by: "the API server's header Date",
        error: 1 + (end - start) / 1000,
      },
    ];
    const offset = date - end;
    const leases = await config
      .makeApiClient(CoordinationV1Api)
      .listNamespacedLease({ namespace: "kube-node-lease" });
    for (const { metadata, spec } of leases.items)
      if (spec?.renewTime)
        clocks.push(
          leaseClock(metadata?.name ?? "", new Date(spec.renewTime).getTime(), Date.now() + offset),
        );
    // Where Prometheus does not answer, another check says so.
    const text = await bodyOf(config, services(settings).prometheus, {
      path: `/api/v1/query?query=${encodeURIComponent("node_time_seconds - timestamp(node_time_seconds)")}`,
      within: 8,
    }).catch(() => undefined);
    for (const { metric, value } of text ? JSON.parse(text).data.result : [])
      clocks.push({
        who: `node ${metric.node ?? metric.instance}, beside Prometheus',`,
        ahead: Number(value[1]),
        by: "node_time_seconds - timestamp(node_time_seconds)",
        error: 2,
      });
    return clockFindings(clocks);
  },
};
