import { allocateProducerIds } from "@ottla/metadata";
import { allocateProducerIdsApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** AllocateProducerIds, for brokers: the controller gives the next block away. */
export const allocateProducerIdsHandler = ({ controller }: Pick<BrokerServices, "controller">) =>
  apiHandler(allocateProducerIdsApi, { minVersion: 0, maxVersion: 0, advertised: false }, async (request) => {
    const { response } = await controller.submit((state) => allocateProducerIds(state, request));
    const { firstProducerId, size } = response;
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerIdStart: firstProducerId, producerIdLen: size };
  });
