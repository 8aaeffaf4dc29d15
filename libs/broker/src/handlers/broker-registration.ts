import { brokerById, hasLostNothing, registerBroker } from "@ottla/metadata";
import { brokerRegistrationApi, ErrorCode, KafkaError } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { ControllerDuties } from "../cluster/controller-duties.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** BrokerRegistration, for brokers: a broker has started. It leads nothing until it is unfenced. */
export const brokerRegistrationHandler = (
  { controller, clusterId }: Pick<BrokerServices, "controller" | "clusterId">,
  duties: ControllerDuties,
) =>
  apiHandler(brokerRegistrationApi, { minVersion: 4, maxVersion: 4, advertised: false }, async (request) => {
    if (request.clusterId !== clusterId) throw KafkaError.fromCode(ErrorCode.INCONSISTENT_CLUSTER_ID);
    const { brokerId, incarnationId, listeners, features, rack, logDirs, previousBrokerEpoch } = request;
    const { response } = await controller.submit((state) =>
      registerBroker(state, {
        brokerId,
        incarnationId,
        endpoints: listeners,
        features,
        rack,
        logDirs,
        fenced: true,
        cleanShutdown: hasLostNothing(brokerById(state.image, brokerId), { incarnationId, previousBrokerEpoch }),
      }),
    );
    duties.heardOf(brokerId, response.brokerEpoch, -1);
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, brokerEpoch: response.brokerEpoch };
  });
