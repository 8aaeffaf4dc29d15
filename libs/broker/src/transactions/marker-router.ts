import type { MarkerOutcome, WriteMarkers } from "@ottla/coordinator/internal";
import { NO_LEADER } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import type { BrokerServices } from "../services/broker-services.ts";
import type { MarkerWriter } from "./marker-writer.ts";

/**
 * Brings a transaction's markers to the leaders of its partitions. This broker's own are written here; those of other
 * brokers are WriteTxnMarkers requests, once there are others.
 */
export class MarkerRouter {
  readonly #broker: BrokerServices;
  readonly #writer: MarkerWriter;

  constructor(broker: BrokerServices, writer: MarkerWriter) {
    this.#broker = broker;
    this.#writer = writer;
  }

  /** What became of each marker. Never rejects, and takes no longer than a request may. */
  write(markers: WriteMarkers): Promise<MarkerOutcome[]> {
    const pending: Promise<MarkerOutcome>[] = [];
    for (const [topic, indexes] of markers.partitions) {
      for (const partition of indexes) pending.push(this.#writeOne(markers, topic, partition));
    }
    return Promise.all(pending);
  }

  async #writeOne(markers: WriteMarkers, topic: string, partition: number): Promise<MarkerOutcome> {
    return { topic, partition, errorCode: await this.#send(markers, topic, partition) };
  }

  #send(markers: WriteMarkers, topic: string, index: number): number | Promise<number> {
    const { image, nodeId } = this.#broker;
    const partition = image.topicsByName.get(topic)?.partitions[index];
    // The topic was deleted, and the transaction's records with it: nothing is left to end.
    if (partition === undefined) return ErrorCode.NONE;
    if (partition.leader === nodeId) return this.#writer.write(topic, index, markers);
    return partition.leader === NO_LEADER ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }
}
