import type { ClusterClient, Deadline } from "@ottla/client/internal";

/**
 * Those of `topics` that the cluster does not have, after one more look if need be. Requests for offsets name topics
 * by their ids, so that a topic that is merely not looked up yet would seem to have no offsets.
 */
export async function unknownTopics(
  client: ClusterClient,
  topics: Iterable<string>,
  deadline: Deadline,
): Promise<ReadonlySet<string>> {
  const isUnknown = (topic: string) => !client.metadata.view.topics.has(topic);
  const names = [...new Set(topics)];
  if (names.some(isUnknown)) {
    client.metadata.track(names);
    await client.metadata.refresh(deadline);
  }
  return new Set(names.filter(isUnknown));
}
