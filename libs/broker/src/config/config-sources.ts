import { ConfigError } from "./config-error.ts";

/** One setting as somebody wrote it. */
export interface ConfigSetting {
  /** Kafka's key, as it was written. */
  readonly key: string;
  /** As it was written. */
  readonly value: string;
  /** Where it was written, for messages: `server.properties:12`, `--set`, `OTTLA_NUM_PARTITIONS`. */
  readonly origin: string;
}

/**
 * Reads Java's properties format: `key=value`, `key: value`, comments with `#` or `!`, lines continued with a backslash,
 * escapes `\t \n \r \f \uXXXX`.
 */
export function parseProperties(text: string, fileName: string): ConfigSetting[] {
  return logicalLines(text).map(({ line, lineNumber }) => {
    const { key, value } = splitProperty(line);
    return { key, value, origin: `${fileName}:${lineNumber}` };
  });
}

interface LogicalLine {
  readonly line: string;
  readonly lineNumber: number;
}

function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let continued: LogicalLine | null = null;
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const trimmed = raw.replace(/^[ \t\f]+/, "");
    if (continued === null && (trimmed === "" || /^[#!]/.test(trimmed))) continue;
    const lineNumber: number = continued?.lineNumber ?? index + 1;
    const line: string = (continued?.line ?? "") + trimmed;
    const continues = /(^|[^\\])(\\\\)*\\$/.test(line);
    continued = continues ? { line: line.slice(0, -1), lineNumber } : null;
    if (!continues) lines.push({ line, lineNumber });
  }
  if (continued !== null) lines.push(continued);
  return lines;
}

function splitProperty(line: string): { readonly key: string; readonly value: string } {
  const match = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(line)!;
  return { key: unescaped(match[1]!), value: unescaped(match[2]!).trim() };
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? (ESCAPES[char!] ?? char!) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

const ENVIRONMENT_PREFIX = "OTTLA_";

/** Variables with the prefix that are no settings of a broker. */
const OTHER_VARIABLES = /^OTTLA_(KAFKA_MESSAGES|BOOTSTRAP|SASL_PASSWORD|NATIVE|(TEST|DEMO|BENCH|E2E)(_.*)?)$/;

/** `OTTLA_LOG_RETENTION_MS=60000` sets `log.retention.ms`: every `_` is a dot. */
export function settingsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ConfigSetting[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || value === undefined || OTHER_VARIABLES.test(name)) return [];
    const key = name.slice(ENVIRONMENT_PREFIX.length).toLowerCase().replaceAll("_", ".");
    return [{ key, value, origin: name }];
  });
}

/** `--set key=value`; nothing after the `=` is an empty value. @throws ConfigError where there is no `=` */
export function settingFromArgument(argument: string): ConfigSetting {
  const equals = argument.indexOf("=");
  if (equals < 0) throw new ConfigError([`--set ${argument}: write key=value, such as --set num.partitions=3`]);
  return { key: argument.slice(0, equals).trim(), value: argument.slice(equals + 1).trim(), origin: "--set" };
}

/** Config values under Kafka's keys, such as `{ "num.partitions": 3 }`. */
export type ConfigValues = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Values given by a program. */
export function settingsFromObject(values: ConfigValues): ConfigSetting[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: String(value), origin: "config" }));
}
