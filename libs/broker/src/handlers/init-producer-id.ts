import { ErrorCode, initProducerIdApi, KafkaError } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";

const FIRST_EPOCH = 0;

/**
 * InitProducerId: a producer id that nobody has had, for an idempotent producer.
 *
 * A transactional id fails at once and not retriably: a client that retried would hang instead of telling its user.
 */
export const initProducerIdHandler = (broker: BrokerServices) =>
  apiHandler(initProducerIdApi, { minVersion: 0, maxVersion: 5 }, async (request) => {
    if (request.transactionalId !== null) {
      throw KafkaError.fromCode(
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        "This broker does not serve transactions",
      );
    }
    const producerId = await broker.producerIds.next();
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: FIRST_EPOCH };
  });
