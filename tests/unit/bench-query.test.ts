import { expect } from "chai";
import { changed, lokiOnLoopback, mimirOnLoopback, withCaches } from "../../bench/query/configurations";
import { logPushes, needle, streamsOf } from "../../bench/query/logs";
import { Message } from "../../bench/query/message";
import { seriesOf, valuesOf } from "../../bench/query/metrics";
import { dashboardQueries } from "../../cli/commands/dashboards";
import { writeRequest } from "../support/remote-write";

/** Offset of the content in a body in Snappy's format, if it is a single literal. */
const literal = (body: Buffer) => body.subarray(body.indexOf(63 * 4) + 5);

/** A message as fields with their numbers; those in `nested` are messages, too. */
function decoded(bytes: Buffer, nested: number): unknown[] {
  const fields: unknown[] = [];
  let at = 0;
  const varint = () => {
    let [value, factor] = [0, 1];
    for (; ; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = tag % 8 === 0 ? 0 : tag % 8 === 1 ? 8 : varint();
    const value = tag % 8 === 0 ? varint() : bytes.subarray(at, at + length);
    at += length;
    fields.push([
      tag,
      Buffer.isBuffer(value) && tag % 8 === 2 && nested ? decoded(value, nested - 1) : `${value}`,
    ]);
  }
  return fields;
}

describe("unit: bench query, data", () => {
  it("encodes a push like the reference encoder of the tests", () => {
    const labels = { __name__: "up", job: "a" };
    const message = new Message();
    for (const value of [1, 2])
      message.nested(1, (series) => {
        for (const [name, text] of Object.entries(labels))
          series.nested(1, (label) => label.text(1, name).text(2, text));
        series.nested(2, (sample) => sample.double(1, value).number(2, 1_800_000_000_000));
      });
    const series = [1, 2].map((value) => ({ labels, samples: [{ value, time: 1_800_000_000_000 }] }));
    const [own, expected] = [message.takeSnappy(), writeRequest(series)].map((body) =>
      decoded(literal(body), 2),
    );
    expect(own).to.deep.equal(expected);
    expect(own).to.have.length(2);
  });

  it("writes the requested number of bytes, with the needle once per hour", () => {
    const bodies = [...logPushes(streamsOf(10), 2e7, 0, 2 * 3_600_000)];
    const text = bodies.map(({ body }) => literal(body).toString("latin1")).join("");
    expect(bodies.filter(({ hourEnds }) => hourEnds)).to.have.length(2);
    expect(text.split(needle)).to.have.length(3);
    expect(text.length).to.be.within(1.8e7, 2.6e7);
  });

  it("finds texts that match the matchers of the dashboards", () => {
    expect(valuesOf("=~", "5..")).to.deep.equal(["500"]);
    expect(valuesOf("=~", "a|b.+")).to.deep.equal(["a", "bx"]);
    expect(valuesOf("=~", "(loki|tempo)_x")).to.deep.equal(["loki_x"]);
    expect([valuesOf("=~", ".*"), valuesOf("!=", "a"), valuesOf("=", "a")]).to.deep.equal([[], [], ["a"]]);
  });

  it("generates about the requested number of distinct series of all metrics in dashboards", () => {
    const all = [...seriesOf(dashboardQueries(), 20_000)].flatMap(([tenant, series]) =>
      series.map(({ labels }) => JSON.stringify([tenant, Object.entries(labels).sort()])),
    );
    expect(new Set(all).size).to.equal(all.length);
    expect(all.length).to.be.within(18_000, 22_000);
    expect(all.some((one) => one.includes("node_cpu_seconds_total"))).to.equal(true);
  });
});

describe("unit: bench query, configurations", () => {
  const place = { folder: "/f", http: 1, grpc: 2, third: 3, minio: 4, memcached: 5 };

  it("merges changes over a tree, and removes undefined keys", () => {
    expect(changed({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: undefined }, d: [2] })).to.deep.equal({
      a: { c: 2 },
      d: [2],
    });
  });

  it("sets the address of each memcached, in the syntax of each store", () => {
    const client = { addresses: "dnssrvnoa+cache", timeout: "1s" };
    const tree = {
      a: { memcached: { batch_size: 4 }, memcached_client: client },
      b: [{ memcached: { host: "h", service: "s" } }],
    };
    expect(withCaches(tree, 5)).to.deep.equal({
      a: { memcached: { batch_size: 4 }, memcached_client: { ...client, addresses: "127.0.0.1:5" } },
      b: [{ memcached: { addresses: "127.0.0.1:5" } }],
    });
  });

  it("keeps limits and splits, and has no addresses of a cluster", () => {
    const loki = lokiOnLoopback(
      {
        limits_config: { split_queries_by_interval: "15m", ingestion_rate_mb: 10 },
        frontend: { scheduler_address: "x.svc" },
      },
      place,
      false,
    );
    expect(loki.limits_config).to.deep.equal({ split_queries_by_interval: "15m", ingestion_rate_mb: 10 });
    expect(loki.frontend).to.deep.equal({});
    expect(lokiOnLoopback(loki, place, true).limits_config.ingestion_rate_mb).to.equal(10_000);
    expect(mimirOnLoopback({ limits: { max_query_parallelism: 240 } }, place, false).limits).to.deep.equal({
      max_query_parallelism: 240,
    });
  });
});
