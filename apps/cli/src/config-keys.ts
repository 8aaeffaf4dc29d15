import type { Admin, ConfigQuery, ConfigResource } from "@ottla/admin";
import { UsageError } from "./exit.ts";

/** The configs of a topic, broker or group: all, or those of `keys`. @throws UsageError that names the keys that it does not have */
export async function describeKnownConfigs(admin: Admin, query: ConfigQuery) {
  const [described] = await admin.describeConfigs([query], { includeDocumentation: true });
  const entries = described?.entries ?? [];
  const unknown = (query.keys ?? []).filter((key) => !entries.some((entry) => entry.key === key));
  if (unknown.length > 0) {
    const all = `ottla configs describe ${query.name}${query.type === "topic" ? "" : ` --type ${query.type}`} --all`;
    throw new UsageError(
      `There is no config ${unknown.join(", ")} of a ${query.type}; \`${all}\` shows those there are.`,
    );
  }
  // Brokers tell them in the order of a hash map.
  return [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/**
 * Brokers take it for done when a key is removed that does not exist; who mistyped it wants to be told. Of all brokers
 * together, groups and the like only those configs can be seen that are set.
 * @throws UsageError
 */
export async function checkDeletedKeys(admin: Admin, { type, name }: ConfigResource, keys: readonly string[]) {
  const isListed = type === "topic" || (type === "broker" && name !== "");
  if (isListed && keys.length > 0) await describeKnownConfigs(admin, { type, name, keys });
}
