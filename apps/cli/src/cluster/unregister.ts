import type { Admin } from "@ottla/admin";
import type { ConnectionOptions } from "../connection.ts";
import { describeWithFenced } from "../registered-brokers.ts";
import { printJson } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

export interface UnregisterOptions extends ConnectionOptions {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** How many of its partitions are named. */
const NAMED_MAX = 3;

/** Has the cluster forget a broker. One that runs would be back at once; one that has replicas would be missed for ever. */
export async function unregister(id: number, options: UnregisterOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const { brokers } = await describeWithFenced(admin);
    // Those before Kafka 4.0 do not tell of brokers that have ended: the controller says whether there is such a one.
    if (brokers.some((broker) => broker.id === id && !broker.isFenced)) {
      throw new Error(`broker ${id} is running, and would register itself again: stop it first.`);
    }
    if (!options.force) await requireNoReplicas(admin, id);
    await admin.unregisterBroker(id);
    if (options.json) printJson({ id });
    else process.stdout.write(`broker ${id} is no longer registered\n`);
  });
}

async function requireNoReplicas(admin: Admin, id: number): Promise<void> {
  const listed = await admin.listTopics({ includeInternal: true });
  const topics = await admin.describeTopics(listed.map(({ name }) => name));
  const held = topics.flatMap(({ name, partitions }) =>
    partitions.filter(({ replicas }) => replicas.includes(id)).map(({ partition }) => `${name}-${partition}`),
  );
  if (held.length === 0) return;
  const more = held.length > NAMED_MAX ? `, and ${held.length - NAMED_MAX} more` : "";
  throw new Error(
    `broker ${id} has replicas of ${held.slice(0, NAMED_MAX).join(", ")}${more}: move them away with ` +
      "`ottla cluster reassign` first, or give --force.",
  );
}
