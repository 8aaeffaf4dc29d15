import { imageDelta, type MetadataImage } from "@ottla/metadata";
import { consumerGroupDescribeHandler } from "../handlers/consumer-group-describe.ts";
import { consumerGroupHeartbeatHandler } from "../handlers/consumer-group-heartbeat.ts";
import { deleteGroupsHandler } from "../handlers/delete-groups.ts";
import { describeGroupsHandler } from "../handlers/describe-groups.ts";
import { findCoordinatorHandler } from "../handlers/find-coordinator.ts";
import { heartbeatHandler } from "../handlers/heartbeat.ts";
import { joinGroupHandler } from "../handlers/join-group.ts";
import { leaveGroupHandler } from "../handlers/leave-group.ts";
import { listGroupsHandler } from "../handlers/list-groups.ts";
import { offsetCommitHandler } from "../handlers/offset-commit.ts";
import { offsetDeleteHandler } from "../handlers/offset-delete.ts";
import { offsetFetchHandler } from "../handlers/offset-fetch.ts";
import { syncGroupHandler } from "../handlers/sync-group.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import type { GroupCoordinator } from "./group-coordinator.ts";
import { groupFamilies } from "./group-families.ts";

/** Groups and their offsets: the coordinator, and the APIs that clients reach it by. */
export function createGroups(broker: BrokerServices, groups: GroupCoordinator) {
  const handlers = [
    findCoordinatorHandler(broker),
    consumerGroupHeartbeatHandler(broker, groups),
    consumerGroupDescribeHandler(broker, groups),
    joinGroupHandler(groups),
    syncGroupHandler(groups),
    heartbeatHandler(groups),
    leaveGroupHandler(groups),
    offsetCommitHandler(broker, groups),
    offsetFetchHandler(broker, groups),
    offsetDeleteHandler(broker, groups),
    describeGroupsHandler(groups),
    listGroupsHandler(groups),
    deleteGroupsHandler(groups),
  ];
  return {
    handlers,
    metadataChanged: (previous: MetadataImage, next: MetadataImage) =>
      groups.topicsDeleted(imageDelta(previous, next).deletedTopics),
    metrics: () => groupFamilies(groups),
    close: async () => groups.close(),
  };
}
