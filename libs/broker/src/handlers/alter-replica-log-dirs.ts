import { alterReplicaLogDirsApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** AlterReplicaLogDirs: replicas of this broker go to other log directories of it. Answered when the moves have begun. */
export const alterReplicaLogDirsHandler = ({ replicaMoves }: Pick<BrokerServices, "replicaMoves">) =>
  apiHandler(
    alterReplicaLogDirsApi,
    { minVersion: 1, maxVersion: 2, errorResponse: ({ dirs }, { errno }) => answer(dirs, () => errno) },
    async ({ dirs }) => {
      const outcomes = new Map<string, number>();
      for (const { path, topics } of dirs) {
        for (const { name, partitions } of topics) {
          for (const partition of partitions) {
            const errno = await replicaMoves.move(name, partition, path).then(() => ErrorCode.NONE, errnoOf);
            outcomes.set(`${name}-${partition}`, errno);
          }
        }
      }
      return answer(dirs, (name, partition) => outcomes.get(`${name}-${partition}`)!);
    },
  );

type Directories = readonly {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}[];

function answer(dirs: Directories, errnoOfPartition: (topic: string, partition: number) => number) {
  const results = dirs.flatMap(({ topics }) =>
    topics.map(({ name, partitions }) => ({
      topicName: name,
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        errorCode: errnoOfPartition(name, partitionIndex),
      })),
    })),
  );
  return { throttleTimeMs: 0, results };
}
