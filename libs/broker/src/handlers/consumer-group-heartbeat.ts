import { type ConsumerHeartbeatAnswer, consumerHeartbeatError } from "@ottla/coordinator/internal";
import { consumerGroupHeartbeatApi, ErrorCode } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import { clientHostOf } from "../groups/client-host.ts";
import { isConsumerProtocolOn } from "../groups/consumer-protocol.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** ConsumerGroupHeartbeat (KIP-848). */
export const consumerGroupHeartbeatHandler = (broker: BrokerServices, groups: GroupCoordinator) =>
  apiHandler(
    consumerGroupHeartbeatApi,
    { minVersion: 0, maxVersion: 1, errorResponse: (_, { errno }) => consumerHeartbeatError(errno) },
    (request, { apiVersion, clientId, connection }) => {
      if (!isConsumerProtocolOn(broker)) return consumerHeartbeatError(ErrorCode.UNSUPPORTED_VERSION);
      const client = { apiVersion, clientId, clientHost: clientHostOf(connection) };
      return later(
        groups.ask<ConsumerHeartbeatAnswer>(
          request.groupId,
          (ticket) => ({ type: "consumerHeartbeat", request, client, ticket }),
          consumerHeartbeatError,
        ),
      );
    },
  );
