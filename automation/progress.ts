/** Condenses the engine's events to a few progress lines. */
import type { EngineEvent } from "@pulumi/pulumi/automation";

/** Interval of messages about resources in progress, in milliseconds. */
const period = 30_000;

/** `urn:pulumi:stack::project::parent$type::name` as `Release loki`. */
const short = (urn: string): string => {
  const [, , types = "", name] = urn.split("::");
  return `${types.split(/[:$]/).at(-1)} ${name}`;
};

export interface Progress {
  onEvent(event: EngineEvent): void;
  /** Distinct errors of the engine. */
  errors: string[];
  end(): void;
}

/**
 * Reports each release when it is done, errors immediately, and every half minute the resources in progress.
 *
 * @param tell receives a line
 */
export function progress(tell: (line: string) => void): Progress {
  const working = new Map<string, number>();
  const errors: string[] = [];
  let done = 0;
  const timer = setInterval(() => {
    const names = [...working.keys()].map(short).filter((name) => !/^Stack /.test(name));
    const shown = names.slice(0, 4).join(", ") + (names.length > 4 ? `, and ${names.length - 4} more` : "");
    tell(`  ${done} done${names.length ? `; at work: ${shown}` : ""}`);
  }, period);
  const onEvent = ({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent }: EngineEvent) => {
    if (resourcePreEvent) working.set(resourcePreEvent.metadata.urn, Date.now());
    const ended = resOutputsEvent ?? resOpFailedEvent;
    if (ended) {
      const { urn, op } = ended.metadata;
      const started = working.get(urn);
      working.delete(urn);
      if (op !== "same") done += 1;
      if (resOutputsEvent && op !== "same" && /:Release::/.test(urn))
        tell(`  ${op} ${short(urn)}${started ? `, ${((Date.now() - started) / 1000).toFixed(0)} s` : ""}`);
    }
    if (diagnosticEvent?.severity === "error") {
      const text = `${diagnosticEvent.urn ? `${short(diagnosticEvent.urn)}: ` : ""}${diagnosticEvent.message.trim()}`;
      if (!errors.includes(text)) {
        errors.push(text);
        tell(`  ${text}`);
      }
    }
  };
  return { onEvent, errors, end: () => clearInterval(timer) };
}
