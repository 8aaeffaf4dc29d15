import { brokerById } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import type { RequestContext } from "../api-handler.ts";
import { endpointFor } from "./broker-endpoints.ts";
import type { BrokerServices } from "./broker-services.ts";

/** Which leader a partition has, for a client that asked the wrong broker or in an old epoch (KIP-951). */
interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** The current leader, in the form of Produce and Fetch responses; nothing where it is no news. */
export function leaderHint(
  { partitions }: Pick<BrokerServices, "partitions">,
  errno: number,
  topic: string | undefined,
  index: number,
): { readonly currentLeader?: CurrentLeader } {
  const isStale = errno === ErrorCode.NOT_LEADER_OR_FOLLOWER || errno === ErrorCode.FENCED_LEADER_EPOCH;
  if (!isStale || topic === undefined) return {};
  const image = partitions.get(topic, index)?.image ?? partitions.imageOf(topic, index);
  return image === undefined ? {} : { currentLeader: { leaderId: image.leader, leaderEpoch: image.leaderEpoch } };
}

/** Where the hinted leaders are reached. */
export function hintedEndpoints(
  broker: BrokerServices,
  hints: Iterable<{ readonly currentLeader?: { readonly leaderId?: number | undefined } | undefined }>,
  { connection }: RequestContext,
) {
  const leaders = new Set<number>();
  for (const { currentLeader } of hints) if (currentLeader?.leaderId !== undefined) leaders.add(currentLeader.leaderId);
  return [...leaders].flatMap((leaderId) => {
    const leader = brokerById(broker.image, leaderId);
    if (leader === undefined) return [];
    const { host, port } = endpointFor(broker, leader, connection);
    return [{ nodeId: leaderId, host, port, rack: leader.rack }];
  });
}
