import { brokerById, brokerHeartbeat } from "@ottla/metadata";
import { brokerHeartbeatApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { ControllerDuties } from "../cluster/controller-duties.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** BrokerHeartbeat, for brokers: one is alive, and wants to serve or to stop. */
export const brokerHeartbeatHandler = (
  broker: Pick<BrokerServices, "controller" | "image">,
  duties: ControllerDuties,
) =>
  apiHandler(brokerHeartbeatApi, { minVersion: 1, maxVersion: 1, advertised: false }, async (request) => {
    const { brokerId, brokerEpoch, currentMetadataOffset, wantShutDown } = request;
    // Heard of it was, however long it takes to write down what follows from that.
    if (brokerById(broker.image, brokerId)?.epoch === brokerEpoch) {
      duties.heardOf(brokerId, brokerEpoch, currentMetadataOffset);
    }
    const { response, offset } = await broker.controller.submit(
      (state) => brokerHeartbeat(state, request, duties.contextOf(brokerId, state.image)),
      { mayOvertake: true },
    );
    if (wantShutDown) duties.handedOver(brokerId, brokerEpoch, offset);
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, ...response };
  });
