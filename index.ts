/** The stack, in the order in which data flows. Every number comes from `settings/`, every name from `names.ts`. */
import * as pulumi from "@pulumi/pulumi";
import { chartSources } from "./charts";
import { AlloyLogs } from "./components/alloy-logs";
import { clusterProvider } from "./components/cluster";
import { held } from "./components/hold";
import { Loki } from "./components/loki";
import { Namespaces } from "./components/namespaces";
import { ObjectStorage } from "./components/object-storage";
import { openGate } from "./components/object-storage/gate";
import { preflight } from "./components/object-storage/preflight";
import { tenants } from "./names";
import { readSettings } from "./settings";

export = () =>
  held(async () => {
    const stack = pulumi.getStack();
    const settings = readSettings(stack, pulumi.runtime.allConfig());
    // A mirror that lacks a chart is told before anything is touched, too.
    chartSources(stack, settings);
    const gate = await openGate(settings);
    const found = gate && (await preflight(stack, settings, gate));

    const options = { provider: clusterProvider(settings) };
    const namespaces = new Namespaces("namespaces", { settings }, options);
    const storage = new ObjectStorage("object-storage", { settings, namespaces, gate, found }, options);
    const loki = new Loki("loki", { settings, namespaces, storage }, options);
    new AlloyLogs("alloy-logs", { settings, namespaces }, options);

    return {
      environment: settings.environment,
      cluster: settings.cluster.name,
      tenants: Object.values(tenants),
      minioEndpoint: storage.endpoint,
      minioConsoleUrl: storage.minio?.consoleUrl,
      minioRootUser: storage.minio?.rootUser,
      minioRootPassword: storage.minio?.rootPassword,
      lokiUrl: loki.url,
      lokiTenant: loki.tenant,
    };
  });
