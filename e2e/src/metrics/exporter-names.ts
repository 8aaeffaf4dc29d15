/**
 * The series that Prometheus' jmx_exporter makes of Kafka's MBeans with its example configuration kafka-2_0_0.yml: what its
 * rules say, in our own words. Dashboards and alerts for Kafka know these names (docs/decisions/0100-names-of-metrics.md).
 */

/** A kind of MBean: `kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic=*`, and its attributes. */
export interface KafkaMBean {
  readonly domain: string;
  /** In the order in which the MBean's name has them; values that are not always the same are `*`. */
  readonly keys: readonly (readonly [name: string, value: string])[];
  readonly attributes: readonly string[];
}

/** A series with the names of its labels, in order. */
export interface ExporterSeries {
  readonly name: string;
  readonly labels: readonly string[];
}

export function exporterSeries({ domain, keys, attributes }: KafkaMBean): ExporterSeries[] {
  const series = attributes.flatMap((attribute) => seriesOf(domain, keys, attribute) ?? []);
  // lowercaseOutputName, and what a name may not have.
  return series.map(({ name, labels }) => ({ name: name.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_"), labels }));
}

function seriesOf(domain: string, keys: KafkaMBean["keys"], attribute: string): ExporterSeries | null {
  const [[typeKey, type], second] = keys as [readonly [string, string], (readonly [string, string])?];
  if (!domain.startsWith("kafka.") || typeKey !== "type" || second === undefined) return null;
  if (second[0] === "name") return named(domain, type, second[1], keys.slice(2), attribute);
  const [user, clientId] = [keys.some(([key]) => key === "user"), keys.some(([key]) => key === "client-id")];
  if (domain !== "kafka.server" || !(user || clientId) || !/^[a-z-]+$/.test(attribute)) return null;
  const labels = ["resource", ...(user ? ["user"] : []), ...(clientId ? ["clientId"] : [])];
  return { name: `kafka_server_quota_${attribute}`, labels };
}

function named(
  domain: string,
  type: string,
  name: string,
  others: KafkaMBean["keys"],
  attribute: string,
): ExporterSeries | null {
  const [, area, part] = domain.split(".");
  const labels = others.map(([key]) => key);
  if (area === "coordinator") {
    const isValue = attribute === "Value" && labels.length === 0;
    return isValue ? { name: `kafka_coordinator_${part}_${type}_${name}`, labels } : null;
  }
  if (part !== undefined) return null;
  const base = `kafka_${area}_${type}_${name}`;
  if (attribute === "Value" && area === "server" && labels.length === 3) {
    const [clientId, second, third] = labels;
    if (clientId !== "clientId") return null;
    if (second === "topic" && third === "partition") return { name: base, labels };
    return second === "brokerHost" && third === "brokerPort" ? { name: base, labels: ["clientId", "broker"] } : null;
  }
  if (labels.length > 2) return null;
  if (attribute === "Value") return { name: base, labels };
  const perSecond = /^(.+)PerSec\w*$/.exec(name);
  if (attribute === "Count" && perSecond) return { name: `kafka_${area}_${type}_${perSecond[1]}_total`, labels };
  if (attribute === "Count") return { name: `${base}_count`, labels };
  return /^\d+thPercentile$/.test(attribute) ? { name: base, labels: [...labels, "quantile"] } : null;
}

/** Lines as in apache-kafka-mbeans.txt: the name of the MBean, and its attributes behind it. */
export function parseMBeans(text: string): KafkaMBean[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [mbean, attributes] = line.split(" ");
      const [domain, properties] = mbean!.split(":");
      const keys = properties!.split(",").map((pair) => pair.split("=") as [string, string]);
      return { domain: domain!, keys, attributes: attributes!.split(",") };
    });
}
