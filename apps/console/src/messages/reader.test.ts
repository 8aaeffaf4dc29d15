import type { ConsumerBatch, ConsumerRecord } from "@ottla/consumer";
import { expect, it, vi } from "vitest";
import { type ReadProgress, type ReadQuery, RecordReader } from "./reader.ts";

/** One partition as a broker has it: offsets without a record are markers of transactions, or were compacted. */
const log = vi.hoisted(() => ({ end: 0, records: [] as number[], options: {} }));

vi.mock("../app/cluster.ts", () => ({
  clientOptions: {},
  admin: {
    listOffsets: async (queries: readonly { readonly partition: number; readonly spec: unknown }[]) =>
      queries.map(({ partition, spec }) => ({ partition, offset: spec === "latest" ? log.end : 0 })),
  },
}));

vi.mock("@ottla/consumer", () => ({
  /** Gives what there is, one record a batch, and then waits, as a consumer does. */
  Consumer: class {
    #position = 0;
    #close = () => {};
    readonly #closed = new Promise<void>((resolve) => {
      this.#close = resolve;
    });

    constructor(options: object) {
      log.options = options;
    }
    assign() {}
    pause() {}
    seek(_: unknown, offset: number) {
      this.#position = offset;
    }
    async position() {
      return this.#position;
    }
    async close() {
      this.#close();
    }
    async *batches(): AsyncGenerator<ConsumerBatch> {
      for (const offset of log.records.filter((each) => each >= this.#position)) {
        this.#position = offset + 1;
        const record = { partition: 0, offset, timestampMs: offset, copy: () => record } as unknown as ConsumerRecord;
        yield Object.assign([record], { topic: "t", partition: 0, nextOffset: offset + 1 }) as unknown as ConsumerBatch;
      }
      this.#position = log.end;
      await this.#closed;
    }
  },
}));

/** What is shown in the end. */
async function read(query: Partial<ReadQuery>): Promise<ReadProgress & { readonly offsets: readonly number[] }> {
  let last: ReadProgress | undefined;
  const whole = { topic: "t", partitions: [0], start: { kind: "oldest" }, filter: null, limit: 100, ...query } as const;
  await new RecordReader(whole, (progress) => {
    last = progress;
  }).run();
  return { ...last!, offsets: last!.records.map(({ offset }) => offset) };
}

it("comes to its end where a partition ends with what is no record, and says that this is all", async () => {
  Object.assign(log, { end: 6, records: [0, 2, 4] });
  const { offsets, isDone, hasMore } = await read({});
  expect({ offsets, isDone, hasMore }).toEqual({ offsets: [0, 2, 4], isDone: true, hasMore: false });
});

it("comes to its end where there is no record at all behind the offset to begin at", async () => {
  Object.assign(log, { end: 6, records: [0, 2, 4] });
  expect(await read({ start: { kind: "offset", offset: 5 } })).toMatchObject({
    offsets: [],
    isDone: true,
    hasMore: false,
  });
});

it("says that there is more where it stopped at its limit", async () => {
  Object.assign(log, { end: 6, records: [0, 2, 4] });
  expect(await read({ limit: 2 })).toMatchObject({ offsets: [0, 2], isDone: true, hasMore: true });
  expect(await read({ limit: 3 })).toMatchObject({ offsets: [0, 2, 4], isDone: true });
});

it("never brings a topic back that was deleted while it was looked at", async () => {
  Object.assign(log, { end: 1, records: [0] });
  await read({});
  expect(log.options).toMatchObject({ allowAutoCreateTopics: false });
});
