import { Consumer, type ConsumerBatch, type ConsumerRecord, type TopicPartition } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import type { PageState } from "./state.ts";
import { EARTHQUAKES, FLIGHTS, HISTORY, METRICS, NOTES, TOPICS } from "./topics.ts";

const CLIENT_ID = "ottla-console";

/** How often figures that change all the time are shown. */
const TICK_MS = 1_000;

/** After an error that the consumer could not get over, this page begins again. */
const RESTART_MS = 3_000;

/** Where a note was written, and how long that took from here. */
export interface WrittenNote {
  readonly partition: number;
  readonly offset: number;
  readonly elapsedMs: number;
}

/** The page as a Kafka client: reads the topics of the demo in a group of its own, and writes notes. */
export class LiveFeed {
  readonly groupId = `${CLIENT_ID}-${randomName()}`;
  readonly bootstrapServers: string;
  readonly #state: PageState;
  readonly #producer: Producer;
  #consumer: Consumer | undefined;
  readonly #troubles = new Set<string>();
  readonly #nextOffsets = new Map<string, number>();
  #isFramePlanned = false;
  #isClosed = false;
  #ticking: ReturnType<typeof setInterval> | undefined;

  /** @param bootstrapServers the broker that the page came from */
  constructor(state: PageState, bootstrapServers: string) {
    this.#state = state;
    this.bootstrapServers = bootstrapServers;
    this.#producer = new Producer({ bootstrapServers: this.bootstrapServers, clientId: CLIENT_ID });
  }

  /** Reads until it is closed. */
  async run(): Promise<void> {
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    while (!this.#isClosed) {
      try {
        await this.#read();
        return;
      } catch (error) {
        this.#state.status.value = { name: "failed", message: error instanceof Error ? error.message : String(error) };
        await this.#consumer?.close();
        await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      }
    }
  }

  async write(key: string, value: string): Promise<WrittenNote> {
    const beganAtMs = performance.now();
    const { partition, offset } = await this.#producer.send({ topic: NOTES, key: key === "" ? null : key, value });
    return { partition, offset, elapsedMs: performance.now() - beganAtMs };
  }

  /** Leaves the group, so that the broker need not wait for heartbeats that never come. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#ticking);
    void this.#consumer?.close();
    void this.#producer.close();
  }

  async #read(): Promise<void> {
    const consumer = this.#createConsumer();
    this.#consumer = consumer;
    for await (const batch of consumer.batches()) {
      this.#accept(batch);
      this.#planFrame();
    }
  }

  #createConsumer(): Consumer {
    const consumer: Consumer = new Consumer({
      bootstrapServers: this.bootstrapServers,
      clientId: CLIENT_ID,
      groupId: this.groupId,
      topics: TOPICS,
      // Where this tab has come to is nobody else's business, and gone with it.
      autoCommit: false,
      autoOffsetReset: "latest",
      allowAutoCreateTopics: false,
      rebalanceListener: { onAssigned: (partitions) => this.#seekToHistory(consumer, partitions) },
    });
    consumer.on("membership", () => this.#showStatus());
    consumer.on("retry", ({ operation }) => this.#showTrouble(operation));
    consumer.on("recovered", ({ operation }) => {
      this.#troubles.delete(operation);
      this.#showStatus();
    });
    return consumer;
  }

  /** Goes on where this page was; a partition that is new to it begins a little before its end. */
  async #seekToHistory(consumer: Consumer, partitions: readonly TopicPartition[]): Promise<void> {
    const [begins, ends] = await Promise.all([consumer.beginningOffsets(partitions), consumer.endOffsets(partitions)]);
    ends.forEach((end, index) => {
      const first = begins[index]!.offset;
      const reached = this.#nextOffsets.get(nameOf(end));
      const isThere = reached !== undefined && reached >= first && reached <= end.offset;
      const offset = isThere ? reached : Math.max(first, end.offset - (HISTORY[end.topic] ?? 0));
      consumer.seek(end, offset);
      this.#nextOffsets.set(nameOf(end), offset);
    });
  }

  #accept(batch: ConsumerBatch): void {
    const { traffic, earthquakes, metrics, flights, notes } = this.#state;
    const nowMs = performance.now();
    traffic.add(batch.size);
    this.#nextOffsets.set(nameOf(batch), batch.nextOffset);
    for (const record of batch) {
      if (record.topic === EARTHQUAKES) earthquakes.accept(record.value, nowMs - ageMs(record));
      else if (record.topic === METRICS) metrics.accept(record.value);
      else if (record.topic === FLIGHTS) flights.accept(record.value);
      else if (record.topic === NOTES) notes.accept(record);
    }
  }

  #planFrame(): void {
    if (this.#isFramePlanned) return;
    this.#isFramePlanned = true;
    requestAnimationFrame(() => {
      this.#isFramePlanned = false;
      this.#state.frame.value++;
    });
  }

  #showTrouble(operation: string): void {
    this.#troubles.add(operation);
    this.#showStatus();
  }

  #showStatus(): void {
    const { status, memberId } = this.#state;
    const wasLive = status.value.name === "live" || status.value.name === "reconnecting";
    const isMember = this.#consumer?.membershipState === "stable";
    // With what it reads, or else the page would say for a moment that there is nothing.
    if (isMember) this.#showPartitions();
    if (isMember && this.#troubles.size === 0) status.value = { name: "live" };
    else status.value = { name: wasLive ? "reconnecting" : "connecting" };
    memberId.value = this.#consumer?.groupMetadata().memberId ?? "";
  }

  #tick(): void {
    this.#state.traffic.tick(TICK_MS);
    this.#showPartitions();
    this.#planFrame();
  }

  #showPartitions(): void {
    const consumer = this.#consumer;
    const rows = (consumer?.assignment() ?? []).map((partition) => ({
      ...partition,
      position: this.#nextOffsets.get(nameOf(partition)),
      lag: consumer!.currentLag(partition),
    }));
    this.#state.partitions.value = rows.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  }
}

/** How long ago a record was written, so that what happened before the page was opened has faded by then. */
function ageMs({ timestampMs }: ConsumerRecord): number {
  return Math.max(0, Date.now() - timestampMs);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

/** `crypto.randomUUID` is missing where the page is not served from localhost or by TLS. */
function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
