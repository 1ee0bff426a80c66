/** The volumes that charts create: the setting of their size, and their names. */
import { namespaces, prefixed, releases } from "../names";
import type { Settings } from "../settings";
import { installs } from "../settings/agents";

/** The volumes of a workload. */
export interface WorkloadVolumes {
  /** The setting of their size. */
  path: string;
  /** Requested size, in bytes. */
  size: number;
  namespace: string;
  /**
   * Their owner: a StatefulSet, a StatefulSet that the Prometheus operator creates and recreates, or the release
   * itself.
   */
  owner: "statefulset" | "operator" | "release";
  /** Name of the StatefulSet, or of the PVC itself if the release owns it. */
  name: string;
  /** Name of the StatefulSet's volumeClaimTemplate; its volumes are `<template>-<name>-<number>`. */
  template?: string;
}

/** Whether a PVC belongs to a workload's volumes. */
export const ownsClaim = ({ owner, name, template }: WorkloadVolumes, claim: string): boolean =>
  owner === "release"
    ? claim === name
    : claim.startsWith(`${template}-${name}-`) && /^\d+$/.test(claim.slice(`${template}-${name}-`.length));

/** All volumes of a stack that charts create. MinIO's PVCs belong to the program and are not included. */
export function workloadVolumes(settings: Settings): WorkloadVolumes[] {
  const { alloyTraces, loki, mimir, tempo, grafana, kubePrometheusStack: kps } = settings;
  const set = (path: string, size: number, namespace: string, name: string, template: string) =>
    ({ path, size, namespace, owner: "statefulset", name, template }) as const;
  const ofOperator = (path: string, size: number, kind: "prometheus" | "alertmanager") => {
    const name = `${kind}-${prefixed(settings, releases.kubePrometheusStack)}-${kind}`;
    return {
      path,
      size,
      namespace: namespaces(settings).monitoring,
      owner: "operator",
      name,
      template: `${name}-db`,
    } as const;
  };
  const inMimir = (key: "ingester" | "storeGateway" | "compactor" | "alertmanager", name: string) =>
    set(
      `mimir.${key}.disk`,
      mimir[key].disk,
      namespaces(settings).mimir,
      `${releases.mimir}-${name}`,
      "storage",
    );
  const all: WorkloadVolumes[] = [
    set(
      "loki.ingester.disk",
      loki.ingester.disk,
      namespaces(settings).loki,
      `${releases.loki}-ingester`,
      "data",
    ),
    ...(loki.indexGateway.replicas > 0
      ? [
          set(
            "loki.indexGateway.disk",
            loki.indexGateway.disk,
            namespaces(settings).loki,
            `${releases.loki}-index-gateway`,
            "data",
          ),
        ]
      : []),
    set(
      "loki.compactor.disk",
      loki.compactor.disk,
      namespaces(settings).loki,
      `${releases.loki}-compactor`,
      "data",
    ),
    inMimir("ingester", "ingester"),
    inMimir("storeGateway", "store-gateway"),
    inMimir("compactor", "compactor"),
    inMimir("alertmanager", "alertmanager"),
    set(
      "tempo.ingester.disk",
      tempo.ingester.disk,
      namespaces(settings).tempo,
      `${releases.tempo}-ingester`,
      "data",
    ),
    set(
      "alloyTraces.disk",
      alloyTraces.disk,
      namespaces(settings).alloyTraces,
      prefixed(settings, releases.alloyTraces),
      "storage",
    ),
    ofOperator("kubePrometheusStack.prometheus.disk", kps.prometheus.disk, "prometheus"),
    ofOperator("kubePrometheusStack.alertmanager.disk", kps.alertmanager.disk, "alertmanager"),
    ...(grafana.database
      ? []
      : [
          {
            path: "grafana.disk",
            size: grafana.disk,
            namespace: namespaces(settings).grafana,
            owner: "release",
            name: releases.grafana,
          } as const,
        ]),
  ];
  return all.filter(({ path }) => installs(settings, path));
}
