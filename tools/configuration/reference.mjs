/**
 * docs/configuration.md: every config key of brokers and topics with type, default, limits and what it is for. It is made
 * of the tables that the broker itself reads its configs by, so it cannot claim what is not there.
 *
 *   node tools/configuration/reference.mjs     writes the page (`npm run configuration`); needs a build
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brokerConfigTable, topicConfigTable } from "@ottla/broker";

const PAGE = fileURLToPath(new URL("../../docs/configuration.md", import.meta.url));
const TYPES = ["", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"];

/** The page as it is, and as it should be. */
export function configurationPage() {
  return { current: readFileSync(PAGE, "utf8"), expected: page() };
}

function page() {
  const honoured = Object.entries(brokerConfigTable).filter(([, { support }]) => support.kind === "honoured");
  const others = Object.entries(brokerConfigTable).filter(([, { support }]) => support.kind !== "honoured");
  const topics = Object.entries(topicConfigTable).filter(([, { support }]) => support.kind === "honoured");
  return `# Configuration

Made by \`npm run configuration\` from the tables that the broker reads its configs by; do not edit. Names, types and defaults
are Kafka's. The later ones are stronger: \`server.properties\` (\`ottla broker --config\`), \`OTTLA_*\` variables
(\`OTTLA_LOG_RETENTION_MS\` is \`log.retention.ms\`), \`--set key=value\`, \`--port\` and \`--data\`; in a program
\`startBroker({ config })\`. What can change at run time is changed with \`ottla configs alter\` or in the console.

## Brokers

${honoured.map(entry).join("\n")}

## Topics

All of them can change at run time. A topic inherits from the broker what is not set on it.

${topics.map(entry).join("\n")}

## Accepted without effect, or refused

Keys of Kafka's that \`server.properties\` of others have. What would promise something that Ottla does not do stops the
start; the rest is named in one warning.

| key | | why |
| --- | --- | --- |
${others.map(([key, { support }]) => `| \`${key}\` | ${support.kind} | ${cell(support.reason)} |`).join("\n")}
`;
}

function entry([key, definition]) {
  const { type, defaultValue, documentation, allowed, updateMode } = definition;
  const facts = [
    TYPES[type],
    `default ${shown(defaultValue instanceof Map ? [...defaultValue] : defaultValue)}`,
    allowed === "" ? null : `must be ${allowed}`,
  ];
  const mode = updateMode === undefined || updateMode === "read-only" ? null : `at run time (${updateMode})`;
  return `- **\`${key}\`** ${text(documentation)} _${[...facts, mode].filter(Boolean).map(text).join("; ")}._`;
}

/** Angle brackets are no markup here. */
const text = (words) => words.replaceAll("<", "&lt;").replaceAll("\n", " ");
const cell = (words) => text(words).replaceAll("|", "\\|");

function shown(value) {
  if (value === null || (Array.isArray(value) && value.length === 0)) return "none";
  if (value === "") return "empty";
  // Kafka's Long.MAX_VALUE ("for ever"), which a number only comes near to.
  if (value === 2 ** 63) return "9223372036854775807";
  return Array.isArray(value) ? value.join(",") : String(value);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, page());
