import { assignDirectories } from "@ottla/metadata";
import { assignReplicasToDirsApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** AssignReplicasToDirs, for brokers: one has put replicas into its log directories (KIP-858). */
export const assignReplicasToDirsHandler = ({ controller }: Pick<BrokerServices, "controller">) =>
  apiHandler(
    assignReplicasToDirsApi,
    { minVersion: 0, maxVersion: 0, advertised: false },
    async ({ brokerId, brokerEpoch, directories }) => {
      const content = directories.flatMap(({ id, topics }) =>
        topics.flatMap(({ topicId, partitions }) =>
          partitions.map(({ partitionIndex }) => ({ topicId, partition: partitionIndex, directoryId: id })),
        ),
      );
      const { response } = await controller.submit((state) =>
        assignDirectories(state, { brokerId, brokerEpoch, content }),
      );
      let next = 0;
      const answers = directories.map(({ id, topics }) => ({
        id,
        topics: topics.map(({ topicId, partitions }) => ({
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: response[next++]! })),
        })),
      }));
      return { throttleTimeMs: 0, errorCode: 0, directories: answers };
    },
  );
