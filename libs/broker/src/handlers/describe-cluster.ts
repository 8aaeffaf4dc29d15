import { refuse } from "@ottla/metadata";
import { describeClusterApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import { CLUSTER_OPERATIONS } from "../services/authorized-operations.ts";
import { endpointFields } from "../services/broker-endpoints.ts";
import type { BrokerServices } from "../services/broker-services.ts";

const FIRST_VERSION_WITH_FENCED = 2;

/** Kafka's numbers of what kind of server an address leads to. */
const EndpointType = { BROKER: 1, CONTROLLER: 2 } as const;

/** DescribeCluster: the brokers and who is controller. */
export const describeClusterHandler = (broker: BrokerServices) =>
  apiHandler(describeClusterApi, { minVersion: 0, maxVersion: 2 }, (request, { apiVersion, connection }) => {
    checkEndpointType(request.endpointType);
    const brokers = [...broker.image.brokers.values()]
      .filter(({ fenced }) => !fenced || request.includeFencedBrokers)
      .sort((a, b) => a.brokerId - b.brokerId)
      .map((other) => ({
        brokerId: other.brokerId,
        ...endpointFields(broker, other, connection),
        rack: other.rack,
        ...(apiVersion >= FIRST_VERSION_WITH_FENCED && { isFenced: other.fenced }),
      }));
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      clusterId: broker.clusterId,
      controllerId: broker.controller.controllerId,
      brokers,
      ...(request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: CLUSTER_OPERATIONS }),
    };
  });

function checkEndpointType(endpointType: number): void {
  if (endpointType === EndpointType.BROKER) return;
  if (endpointType === EndpointType.CONTROLLER) {
    throw refuse(
      ErrorCode.MISMATCHED_ENDPOINT_TYPE,
      "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
    );
  }
  throw refuse(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`);
}
