import { Consumer, type ConsumerRecord, KafkaError } from "@ottla/consumer";
import { useEffect, useState } from "react";

export interface TopicState {
  /** The last records, the latest first. */
  readonly records: readonly ConsumerRecord[];
  /** What ended the reading; undefined while it goes on. */
  readonly error: KafkaError | undefined;
}

export interface TopicOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** How many records are kept. */
  readonly limit?: number;
}

/**
 * The last records of a topic, live. A component is drawn once for each frame at most, however many records come; what a
 * component that goes away was reading ends with it.
 */
export function useTopic({ bootstrapServers, topic, limit = 100 }: TopicOptions): TopicState {
  const [state, setState] = useState<TopicState>({ records: [], error: undefined });

  useEffect(() => {
    const consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
    let records: ConsumerRecord[] = [];
    let frame = 0;
    const draw = (error?: KafkaError) => setState({ records, error });
    const read = async () => {
      consumer.assign(await consumer.partitionsFor(topic));
      for await (const record of consumer) {
        records = [record.copy(), ...records.slice(0, limit - 1)];
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => draw());
      }
    };
    read().catch((error: unknown) => {
      if (error instanceof KafkaError && error.code !== "CLOSED") draw(error);
    });
    return () => {
      cancelAnimationFrame(frame);
      void consumer.close();
    };
  }, [bootstrapServers, topic, limit]);

  return state;
}
