import { expect } from "chai";
import { alertmanagerConfig } from "../../values/alertmanager";
import { grafanaValues } from "../../values/grafana";
import { kubePrometheusStackValues } from "../../values/kube-prometheus-stack";
import { lokiValues } from "../../values/loki";
import { mimirValues } from "../../values/mimir";
import { grafanaAddresses, receiverAddresses } from "../../values/network-outside";
import { connectingOutside } from "../../values/outside";
import { tempoValues } from "../../values/tempo";
import { aCertificate } from "../support/ca-certificate";
import { type Config, recordingOf, settingsOf } from "../support/stacks";

// biome-ignore lint/suspicious/noExplicitAny: values are read deeply
type Any = any;

const caCertificate = aCertificate(true);
const privateCa = { network: { privateCa: caCertificate } };
const proxy = { network: { proxy: { url: "http://proxy.corp:3128", noProxy: ["10.0.0.0/8"] } } };
const direct = "localhost,127.0.0.1,::1,.svc,.cluster.local,10.0.0.0/8";

describe("unit: servers outside the cluster", function () {
  this.timeout(300_000);

  it("are verified with the private CAs by every client", () => {
    const settings = settingsOf("prod", privateCa);
    const loki: Any = lokiValues(settings);
    const mimir: Any = mimirValues(settings);
    const tempo: Any = tempoValues(settings);
    const kps: Any = kubePrometheusStackValues(settings);
    const [mount] = (grafanaValues(settings) as Any).extraConfigmapMounts;
    expect(mount).to.include({ mountPath: "/etc/ssl/certs/private-ca.crt", subPath: "ca.crt" });
    expect(mount.configMap).to.match(/^private-ca-[0-9a-f]{8}$/);
    const volumes = [{ name: "private-ca", configMap: { name: mount.configMap } }];
    const { name, mountPath, subPath, readOnly } = mount;
    const mounts = [{ name, mountPath, subPath, readOnly }];
    for (const store of [loki.defaults, mimir.global, tempo.defaults])
      expect([store.extraVolumes, store.extraVolumeMounts]).to.deep.equal([volumes, mounts]);
    const { alertmanagerSpec } = kps.alertmanager;
    expect([alertmanagerSpec.volumes, alertmanagerSpec.volumeMounts]).to.deep.equal([volumes, mounts]);
  });

  it("get no ConfigMap without a private CA, and one in each namespace with it", async () => {
    const made = async (config: Config) =>
      (await recordingOf("prod", config)).resources.filter(({ name }) => /private-ca/.test(name));
    expect(await made({})).to.deep.equal([]);
    const configMaps = await made(privateCa);
    expect(configMaps.map(({ inputs }) => (inputs as Any).metadata.namespace)).to.have.members([
      ...connectingOutside(settingsOf("prod")),
    ]);
    for (const { inputs } of configMaps)
      expect((inputs as Any).data).to.deep.equal({ "ca.crt": caCertificate });
  });

  it("are reached by Grafana and the Alertmanagers through the proxy, and the cluster without it", () => {
    const settings = settingsOf("prod", proxy);
    expect((grafanaValues(settings) as Any).env).to.include({
      HTTP_PROXY: "http://proxy.corp:3128",
      HTTPS_PROXY: "http://proxy.corp:3128",
      NO_PROXY: direct,
    });
    expect(alertmanagerConfig(settings)["global"]).to.deep.equal({
      http_config: { proxy_url: "http://proxy.corp:3128", no_proxy: direct },
    });
    expect(receiverAddresses(settings)).to.deep.equal(["http://proxy.corp:3128"]);
    expect(grafanaAddresses(settings)).to.include("http://proxy.corp:3128");
    expect(alertmanagerConfig(settingsOf("prod"))).not.to.have.property("global");
  });
});
