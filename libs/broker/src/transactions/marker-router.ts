import type { MarkerOutcome, WriteMarkers } from "@ottla/coordinator/internal";
import { NO_LEADER } from "@ottla/metadata";
import { ErrorCode, type WriteTxnMarkersResponse, writeTxnMarkersApi } from "@ottla/protocol";
import { errnoOf } from "../partition/partition-error.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import type { MarkerWriter } from "./marker-writer.ts";

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Markers have connections of their own: they wait for replication, and nobody has to wait for them. */
const PURPOSE = "transaction-markers";

/**
 * Brings a transaction's markers to the leaders of its partitions. This broker's own are written here; those of another
 * broker go there in one request.
 */
export class MarkerRouter {
  readonly #broker: BrokerServices;
  readonly #writer: MarkerWriter;

  constructor(broker: BrokerServices, writer: MarkerWriter) {
    this.#broker = broker;
    this.#writer = writer;
  }

  /** What became of each marker. Never rejects, and takes no longer than a request may. */
  async write(markers: WriteMarkers): Promise<MarkerOutcome[]> {
    const pending: Promise<MarkerOutcome[]>[] = [];
    for (const [leader, partitions] of this.#byLeader(markers))
      pending.push(this.#writeAt(leader, markers, partitions));
    return (await Promise.all(pending)).flat();
  }

  #byLeader({ partitions }: WriteMarkers): Map<number | null, TopicPartition[]> {
    const byLeader = new Map<number | null, TopicPartition[]>();
    for (const [topic, indexes] of partitions) {
      for (const partition of indexes) {
        const leader = this.#leaderOf(topic, partition);
        const others = byLeader.get(leader);
        if (others === undefined) byLeader.set(leader, [{ topic, partition }]);
        else others.push({ topic, partition });
      }
    }
    return byLeader;
  }

  /** Null where there is no such partition. */
  #leaderOf(topic: string, partition: number): number | null {
    return this.#broker.image.topicsByName.get(topic)?.partitions[partition]?.leader ?? null;
  }

  #writeAt(
    leader: number | null,
    markers: WriteMarkers,
    partitions: readonly TopicPartition[],
  ): Promise<MarkerOutcome[]> {
    switch (leader) {
      case null:
        // The topic was deleted, and the transaction's records with it: nothing is left to end.
        return Promise.resolve(partitions.map((one) => ({ ...one, errorCode: ErrorCode.NONE })));
      case NO_LEADER:
        return Promise.resolve(partitions.map((one) => ({ ...one, errorCode: ErrorCode.LEADER_NOT_AVAILABLE })));
      case this.#broker.nodeId:
        return Promise.all(partitions.map((one) => this.#writeHere(markers, one)));
      default:
        return this.#send(leader, markers, partitions);
    }
  }

  async #writeHere(markers: WriteMarkers, one: TopicPartition): Promise<MarkerOutcome> {
    return { ...one, errorCode: await this.#writer.write(one.topic, one.partition, markers) };
  }

  async #send(leader: number, markers: WriteMarkers, partitions: readonly TopicPartition[]): Promise<MarkerOutcome[]> {
    const failed = (errorCode: number) => partitions.map((one) => ({ ...one, errorCode }));
    try {
      const connection = await this.#broker.links.to(leader, PURPOSE)?.connect();
      if (connection === undefined) return failed(ErrorCode.BROKER_NOT_AVAILABLE);
      const marker = toMarker(markers, partitions);
      const response = await connection.request(writeTxnMarkersApi, { markers: [marker] });
      return partitions.map((one) => ({ ...one, errorCode: answerFor(response, one) }));
    } catch (error) {
      this.#broker.runtime.logger.debug("markers cannot be brought to their partitions' leader", {
        leader,
        err: error,
      });
      return failed(errnoOf(error));
    }
  }
}

function toMarker(
  { producerId, producerEpoch, coordinatorEpoch, transactionVersion, outcome }: WriteMarkers,
  partitions: readonly TopicPartition[],
) {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions) byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
  return {
    producerId,
    producerEpoch,
    coordinatorEpoch,
    transactionVersion,
    transactionResult: outcome === "commit",
    topics: [...byTopic].map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
  };
}

function answerFor({ markers }: WriteTxnMarkersResponse, { topic, partition }: TopicPartition): number {
  const answered = markers[0]?.topics.find(({ name }) => name === topic);
  const result = answered?.partitions.find(({ partitionIndex }) => partitionIndex === partition);
  return result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
}
