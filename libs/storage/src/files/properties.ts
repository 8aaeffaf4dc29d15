/** Java's `.properties` format, as far as Kafka writes it: comments, `key=value`, and backslash escapes. */

export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const rawLine of text.split(/\r?\n/)) {
    const line = rawLine.trimStart();
    if (line === "" || line.startsWith("#") || line.startsWith("!")) continue;
    const match = /^((?:\\.|[^=:\\])+?)\s*[=:]\s*(.*)$/.exec(line);
    if (match !== null) properties.set(removeEscapes(match[1]!), removeEscapes(match[2]!));
  }
  return properties;
}

export function formatProperties(properties: ReadonlyMap<string, string>): string {
  return Array.from(properties, ([key, value]) => `${addEscapes(key)}=${addEscapes(value)}\n`).join("");
}

function removeEscapes(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}

function addEscapes(text: string): string {
  return text.replace(/[\\=:#!]/g, "\\$&");
}
