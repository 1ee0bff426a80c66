/** The load that the options of `obs size` declare. */
import { type Settings, UserError } from "../../../settings";
import { load as loadSettings } from "../../../settings/load";
import { invalid } from "../../../settings/problem-text";

/** The options of a load: `{ series: "1M" }`. */
export type Given = Partial<Record<keyof Settings["load"], string>>;

/** The settings with the options in `load`. @throws UserError with every invalid option */
export function withLoad(settings: Settings, given: Given): Settings {
  const read = Object.entries(given).map(([name, text]) => {
    const { data, error } = loadSettings.shape[name as keyof Given].safeParse(text);
    return { name, text, data, wrong: error?.issues[0]?.message };
  });
  const wrong = read.filter((one) => one.wrong !== undefined);
  if (wrong.length)
    throw new UserError(
      wrong.map(({ name, text, wrong }) => invalid(`--${name}`, text, wrong ?? "")).join("\n     "),
    );
  const load = Object.fromEntries(read.map(({ name, data }) => [name, data]));
  return { ...settings, load: { ...settings.load, ...load } };
}
