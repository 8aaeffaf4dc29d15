import { alterPartition, type IsrOutcome, NO_LEADER } from "@ottla/metadata";
import { alterPartitionApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** AlterPartition, for leaders: the controller changes who is in sync. */
export const alterPartitionHandler = ({ controller }: Pick<BrokerServices, "controller">) =>
  apiHandler(
    alterPartitionApi,
    { minVersion: 3, maxVersion: 3, advertised: false },
    async ({ brokerId, brokerEpoch, topics }) => {
      const proposals = topics.flatMap(({ topicId, partitions }) =>
        partitions.map(({ partitionIndex, newIsrWithEpochs, leaderEpoch, partitionEpoch, leaderRecoveryState }) => ({
          topicId,
          partition: partitionIndex,
          newIsr: newIsrWithEpochs,
          leaderEpoch,
          partitionEpoch,
          leaderRecoveryState,
        })),
      );
      const input = { brokerId, brokerEpoch, proposals };
      const { response } = await controller.submit((state) => alterPartition(state, input));
      let next = 0;
      const answers = topics.map(({ topicId, partitions }) => ({
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...answer(response[next++]!) })),
      }));
      return { throttleTimeMs: 0, errorCode: 0, topics: answers };
    },
  );

function answer({ errno, after }: IsrOutcome) {
  return {
    errorCode: errno,
    leaderId: after?.leader ?? NO_LEADER,
    leaderEpoch: after?.leaderEpoch ?? -1,
    isr: after?.isr ?? [],
    leaderRecoveryState: after?.leaderRecoveryState ?? 0,
    partitionEpoch: after?.partitionEpoch ?? -1,
  };
}
