import type { BrokerNode, ClusterClient, LeaderHint } from "@ottla/client/internal";
import type { FetchResponse } from "@ottla/protocol";
import { ErrorCode } from "@ottla/protocol/client";

/** An answer may tell who leads now, which saves asking for metadata (KIP-951). */
export function learnLeaders(client: ClusterClient, response: FetchResponse): void {
  const hints: LeaderHint[] = [];
  for (const { topic, topicId, partitions } of response.responses) {
    const name = topic || client.metadata.view.topicsById.get(topicId)?.name;
    if (name === undefined) continue;
    for (const { partitionIndex: partition, errorCode, currentLeader } of partitions) {
      if (errorCode !== ErrorCode.NONE && currentLeader.leaderId >= 0)
        hints.push({ topic: name, partition, ...currentLeader });
    }
  }
  if (hints.length === 0) return;
  const nodes = response.nodeEndpoints.map((node): BrokerNode => {
    return { id: node.nodeId, address: client.addressOf(node), rack: node.rack };
  });
  client.metadata.applyLeaderHints(hints, nodes);
}
