import type { ClientQuotas } from "../quotas/client-quotas.ts";
import type { ClientHolder } from "../quotas/quota-limits.ts";
import type { HolderMeasures } from "../quotas/quota-measure.ts";
import type { MetricFamily, MetricSample } from "./metric-family.ts";

/** So many holders of quotas of one kind have series: a default quota may have as many as there are client ids. */
const HOLDERS_MAX = 1_000;

/**
 * Kafka's metrics of quotas, of those who were held to one of late: `kafka.server:type=Produce,user=…,client-id=…` and its like.
 * What of user and client id the quota does not ask for is left out.
 */
export function* quotaFamilies(quotas: ClientQuotas): Generator<MetricFamily> {
  const { rates, ControllerMutation } = quotas.measures();
  const [produce, fetch, request, mutation] = [
    firstOf(rates.Produce),
    firstOf(rates.Fetch),
    firstOf(rates.Request),
    firstOf(ControllerMutation),
  ];
  const rateOf = ({ rate }: HolderMeasures<ClientHolder>) => rate;
  yield* family("byte_rate", "Bytes a second of those who have a quota for that.", [
    ...samples("Produce", produce, rateOf),
    ...samples("Fetch", fetch, rateOf),
  ]);
  yield* family(
    "request_time",
    "Percentage of one thread's time that those with a quota for that take up.",
    samples("Request", request, rateOf),
  );
  yield* family(
    "mutation_rate",
    "Partitions created and deleted a second by those who have a quota for that.",
    samples("ControllerMutation", mutation, rateOf),
  );
  yield* family(
    "tokens",
    "Partitions that may be created or deleted at once.",
    samples("ControllerMutation", mutation, ({ tokens }) => tokens),
  );
  const waitOf = ({ throttleTimeMs }: HolderMeasures<ClientHolder>) => throttleTimeMs;
  yield* family("throttle_time", "How long those above a quota were told to wait, the mean of late, in ms.", [
    ...samples("Produce", produce, waitOf),
    ...samples("Fetch", fetch, waitOf),
    ...samples("Request", request, waitOf),
    ...samples("ControllerMutation", mutation, waitOf),
  ]);
}

function firstOf<Measures>(all: Iterable<Measures>): Measures[] {
  const first: Measures[] = [];
  for (const measures of all) if (first.push(measures) === HOLDERS_MAX) break;
  return first;
}

/** Nothing where nobody is held to such a quota. */
function* family(name: string, help: string, of: readonly MetricSample[]): Generator<MetricFamily> {
  if (of.length > 0) yield { name: `kafka_server_quota_${name}`, type: "gauge", help, samples: of };
}

function samples<Measures extends HolderMeasures<ClientHolder>>(
  resource: string,
  all: readonly Measures[],
  measure: (measures: Measures) => number | null,
): MetricSample[] {
  return all.flatMap((measures) => {
    const value = measure(measures);
    return value === null ? [] : [{ labels: { resource, ...labelsOf(measures.holder) }, value }];
  });
}

function labelsOf({ user, clientId }: ClientHolder): Record<string, string> {
  return { ...(user !== "" && { user }), ...(clientId !== "" && { clientId }) };
}
