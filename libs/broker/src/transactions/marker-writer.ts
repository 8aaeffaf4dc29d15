import type { MarkerToWrite } from "@ottla/coordinator/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { encodeEndTransactionMarker } from "@ottla/protocol/internal";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { Partition } from "../partition/partition.ts";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../services/internal-topics.ts";

/** Writes the markers that end transactions into the partitions that this broker leads. */
export class MarkerWriter {
  readonly #broker: BrokerServices;
  readonly #groups: GroupCoordinator;

  constructor(broker: BrokerServices, groups: GroupCoordinator) {
    this.#broker = broker;
    this.#groups = groups;
  }

  /**
   * Writes one marker. Never rejects.
   * @returns NONE once it is below the high watermark, so that readers have seen the end of the transaction; otherwise
   * Kafka's error code, REQUEST_TIMED_OUT where that takes longer than a request may
   */
  async write(topic: string, index: number, marker: MarkerToWrite): Promise<number> {
    const { partitions } = this.#broker;
    const partition = partitions.get(topic, index);
    if (partition === undefined) return partitions.missingErrno(topic, index);
    try {
      partition.transactionEntries.transactionEnded(marker.producerId);
      return await this.#withinTime(
        topic === CONSUMER_OFFSETS_TOPIC
          ? this.#groups.endTransaction(index, marker).then(asPartitionError)
          : append(partition, marker, this.#nowMs),
      );
    } catch (error) {
      const errorCode = errnoOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
        this.#broker.runtime.logger.error("a transaction marker cannot be written", {
          topic,
          partition: index,
          err: error,
        });
      }
      return errorCode;
    }
  }

  get #nowMs(): number {
    return this.#broker.runtime.clock.nowMs();
  }

  #withinTime(written: Promise<number>): Promise<number> {
    const { deadlines, config } = this.#broker;
    return new Promise((resolve, reject) => {
      const deadline = deadlines.schedule(config.require("request.timeout.ms"), () => {
        reject(KafkaError.fromCode(ErrorCode.REQUEST_TIMED_OUT));
      });
      written.then(resolve, reject).finally(() => deadline.cancel());
    });
  }
}

async function append(
  partition: Partition,
  { outcome, transactionVersion, ...marker }: MarkerToWrite,
  timestampMs: number,
): Promise<number> {
  const bytes = encodeEndTransactionMarker({ ...marker, type: outcome, timestampMs });
  await partition.appendAsLeader(bytes, { acks: -1, origin: "control", transactionVersion }).committed;
  return ErrorCode.NONE;
}

/** Whoever asks for a marker knows of partitions, not of coordinators. */
function asPartitionError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    default:
      return errorCode;
  }
}
