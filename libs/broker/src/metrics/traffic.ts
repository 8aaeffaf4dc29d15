/** What clients have written to and read from one topic, or all of them. Plain counters. */
export class TopicTraffic {
  recordsIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  produceRequests = 0;
  fetchRequests = 0;
  failedProduceRequests = 0;
  failedFetchRequests = 0;
  readonly #all: TopicTraffic | null;

  /** @param all counts along */
  constructor(all: TopicTraffic | null = null) {
    this.#all = all;
  }

  produced(records: number, sizeBytes: number): void {
    this.produceRequests++;
    this.recordsIn += records;
    this.bytesIn += sizeBytes;
    this.#all?.produced(records, sizeBytes);
  }

  produceFailed(): void {
    this.produceRequests++;
    this.failedProduceRequests++;
    this.#all?.produceFailed();
  }

  fetched(sizeBytes: number): void {
    this.fetchRequests++;
    this.bytesOut += sizeBytes;
    this.#all?.fetched(sizeBytes);
  }

  /** So many fetches of partitions where nothing has come. */
  fetchedNothing(requests: number): void {
    this.fetchRequests += requests;
    this.#all?.fetchedNothing(requests);
  }

  fetchFailed(): void {
    this.fetchRequests++;
    this.failedFetchRequests++;
    this.#all?.fetchFailed();
  }
}

/** The traffic of this broker, by topic and in all. Topics that are deleted stay in the sum. */
export class BrokerTraffic {
  readonly all = new TopicTraffic();
  readonly #byTopic = new Map<string, TopicTraffic>();

  ofTopic(topic: string): TopicTraffic {
    let traffic = this.#byTopic.get(topic);
    if (traffic === undefined) {
      traffic = new TopicTraffic(this.all);
      this.#byTopic.set(topic, traffic);
    }
    return traffic;
  }

  forget(topic: string): void {
    this.#byTopic.delete(topic);
  }

  topics(): IterableIterator<[string, TopicTraffic]> {
    return this.#byTopic.entries();
  }
}
