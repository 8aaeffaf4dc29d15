import type { Admin, ClusterDescription } from "@ottla/admin";

/** The cluster with all brokers that are registered. Those before Kafka 4.0 do not tell of fenced ones. */
export async function describeWithFenced(admin: Admin): Promise<ClusterDescription> {
  try {
    return await admin.describeCluster({ includeFencedBrokers: true });
  } catch (error) {
    if ((error as { readonly code?: string }).code !== "UNSUPPORTED_VERSION") throw error;
    return await admin.describeCluster();
  }
}

/**
 * Requests to a broker wait for it until their time is over: it may be about to start. Who mistyped its id wants to be told.
 * @throws Error where no such broker is there
 */
export async function requireBrokerWithId(admin: Admin, id: number): Promise<void> {
  const { brokers } = await describeWithFenced(admin);
  const broker = brokers.find((one) => one.id === id);
  if (broker?.isFenced)
    throw new Error(`broker ${id} is fenced: it does not run, or has not come back into the cluster yet.`);
  if (broker !== undefined) return;
  const ids = brokers.map((one) => one.id).sort((a, b) => a - b);
  throw new Error(`there is no broker ${id} in this cluster: its brokers are ${ids.join(", ")}.`);
}
