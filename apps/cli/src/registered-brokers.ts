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
