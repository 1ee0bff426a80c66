/** The text of `docs/reference/policies.md`, from the rules in `policies/rules/`. */
import { isStackRule, type Rule } from "../policies/rule";
import { rules } from "../policies/rules";
import { cell, table } from "./markdown";

const levelText = ({ level }: Rule): string =>
  level.dev === level.prod ? level.dev : `${level.dev} / ${level.prod}`;

const rowOf = (rule: Rule): string[] => [
  `\`${rule.id}\``,
  cell(rule.requires),
  cell(rule.why),
  levelText(rule),
  Object.keys(rule.config ?? {})
    .map((name) => `\`${name}\``)
    .join(", "),
];

/** The text of `docs/reference/policies.md`. */
export function policiesDocument(): string {
  const renderedOnly = rules.filter((rule) => isStackRule(rule) && rule.only === "rendered");
  return [
    "# Policies",
    "",
    "<!-- Written by `npm run generate` from policies/rules. -->",
    "",
    "The policy pack checks every stack. Each violation is reported with the reason and the fix.",
    "",
    "| command | scope | on a mandatory violation |",
    "|---|---|---|",
    "| `./obs policies [stack]` | the program's resources, its outputs, and each object that Helm renders; needs Helm, no cluster | exit code 2 |",
    "| `./obs preview`, `./obs up` | the program's resources and the values of releases; for a prod stack, with `--policies` for others, not with `--no-policies` | stops |",
    "| `pulumi preview --policy-pack policies`, `pulumi up --policy-pack policies` | the same | stops |",
    "",
    "## Configuration",
    "",
    "Set levels (`mandatory`, `advisory`, `disabled`) and parameters of a stack in `policies/config/<stack>.json`; `all` sets the level of all",
    "other rules. With `pulumi` itself add `--policy-pack-config policies/config/<stack>.json`. The registry in `images.registry` is always",
    "allowed.",
    "",
    "```json",
    "{",
    '  "liveness-probes": "disabled",',
    '  "images-registries": { "enforcementLevel": "mandatory", "registries": ["registry.example.com"] },',
    '  "retention-minimums": { "mimirDays": 180 }',
    "}",
    "```",
    "",
    "Justified violations are listed in `policies/exceptions.ts`; `./obs policies` prints them with their reasons.",
    "",
    "## Rules",
    "",
    `The level is that of dev / prod. Only \`./obs policies\` checks ${renderedOnly.map(({ id }) => `\`${id}\``).join(", ")}.`,
    "",
    ...table(["rule", "requirement", "reason", "level", "parameters"], rules.map(rowOf)),
    "",
  ].join("\n");
}
