import { Admin } from "@ottla/admin";
import { ErrorCode, findCoordinatorApi, listTransactionsApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { sdkTargets } from "../harness/sdk-targets.ts";
import { type Identity, NOBODY, TransactionHand } from "../harness/transaction-hand.ts";
import { until } from "../harness/until.ts";

const TOPIC = "bad-input";
const STRANGER_ID_OFFSET = 1_000_000;

const nameOf = (code: number): string =>
  Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? `${code}`;

const stranger = ({ producerId, producerEpoch }: Identity) => ({
  producerId: producerId + STRANGER_ID_OFFSET,
  producerEpoch,
});
const older = ({ producerId, producerEpoch }: Identity) => ({ producerId, producerEpoch: producerEpoch - 1 });
const newer = ({ producerId, producerEpoch }: Identity) => ({ producerId, producerEpoch: producerEpoch + 1 });

type Row = readonly [what: string, expected: string, run: (hand: TransactionHand) => Promise<number>];
const code = async (answer: Promise<{ readonly errorCode: number }>) => (await answer).errorCode;

const INIT_PRODUCER_ID: readonly Row[] = [
  ["an empty transactional id", "INVALID_REQUEST", (hand) => code(hand.init(5, NOBODY, { id: "" }))],
  ["no timeout", "INVALID_TRANSACTION_TIMEOUT", (hand) => code(hand.init(5, NOBODY, { timeoutMs: 0 }))],
  ["too long a timeout", "INVALID_TRANSACTION_TIMEOUT", (hand) => code(hand.init(5, NOBODY, { timeoutMs: 900_001 }))],
  ["an id without an epoch", "INVALID_REQUEST", (hand) => code(hand.init(5, { producerId: 7, producerEpoch: -1 }))],
  ["an epoch without an id", "INVALID_REQUEST", (hand) => code(hand.init(5, { producerId: -1, producerEpoch: 0 }))],
  ["another producer's id", "PRODUCER_FENCED", async (hand) => code(hand.init(5, stranger(await hand.init())))],
  ["a newer epoch", "PRODUCER_FENCED", async (hand) => code(hand.init(5, newer(await hand.init())))],
  [
    "an epoch that is past",
    "PRODUCER_FENCED",
    async (hand) => {
      const first = await hand.init();
      await hand.init();
      await hand.init();
      return await code(hand.init(5, first));
    },
  ],
  [
    "an epoch that is past, in an old version",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => {
      const first = await hand.init();
      await hand.init();
      await hand.init();
      return await code(hand.init(3, first));
    },
  ],
];

const ADD_PARTITIONS: readonly Row[] = [
  ["an empty transactional id", "INVALID_REQUEST", async (hand) => (await hand.add({ ...NOBODY }, 3, { id: "" }))[0]!],
  [
    "an unknown transactional id",
    "INVALID_PRODUCER_ID_MAPPING",
    async (hand) => (await hand.add({ producerId: 1, producerEpoch: 0 }))[0]!,
  ],
  [
    "another producer's id",
    "INVALID_PRODUCER_ID_MAPPING",
    async (hand) => (await hand.add(stranger(await hand.init())))[0]!,
  ],
  ["an older epoch", "PRODUCER_FENCED", async (hand) => (await hand.add(older(await hand.init())))[0]!],
  [
    "an older epoch, in an old version",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => (await hand.add(older(await hand.init()), 1))[0]!,
  ],
  ["a newer epoch", "PRODUCER_FENCED", async (hand) => (await hand.add(newer(await hand.init())))[0]!],
  [
    "an unknown topic",
    "UNKNOWN_TOPIC_OR_PARTITION",
    async (hand) => (await hand.add(await hand.init(), 3, { topics: ["nowhere"] }))[0]!,
  ],
  [
    "a known topic beside an unknown one",
    "OPERATION_NOT_ATTEMPTED",
    async (hand) => (await hand.add(await hand.init(), 3, { topics: [TOPIC, "nowhere"] }))[0]!,
  ],
  [
    "verification of a partition that was not added",
    "TRANSACTION_ABORTABLE",
    async (hand) => hand.verify(await hand.init(), 5),
  ],
  ["the same, in an old version", "TRANSACTION_ABORTABLE", async (hand) => hand.verify(await hand.init(), 4)],
  [
    "verification of another producer's id",
    "INVALID_PRODUCER_ID_MAPPING",
    async (hand) => hand.verify(stranger(await hand.open()), 5),
  ],
  ["verification of an older epoch", "PRODUCER_FENCED", async (hand) => hand.verify(older(await hand.open()), 5)],
];

const ADD_OFFSETS: readonly Row[] = [
  ["an empty transactional id", "INVALID_REQUEST", (hand) => hand.addOffsets({ ...NOBODY }, 4, { id: "" })],
  [
    "an unknown transactional id",
    "INVALID_PRODUCER_ID_MAPPING",
    (hand) => hand.addOffsets({ producerId: 1, producerEpoch: 0 }),
  ],
  [
    "another producer's id",
    "INVALID_PRODUCER_ID_MAPPING",
    async (hand) => hand.addOffsets(stranger(await hand.init())),
  ],
  ["an older epoch", "PRODUCER_FENCED", async (hand) => hand.addOffsets(older(await hand.init()))],
  [
    "an older epoch, in an old version",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => hand.addOffsets(older(await hand.init()), 1),
  ],
  ["a newer epoch", "PRODUCER_FENCED", async (hand) => hand.addOffsets(newer(await hand.init()))],
];

const TXN_OFFSET_COMMIT: readonly Row[] = [
  ["a group that was never added", "INVALID_TXN_STATE", async (hand) => hand.commitOffset(await hand.init(), 3)],
  ["the same, in a newer version", "TRANSACTION_ABORTABLE", async (hand) => hand.commitOffset(await hand.init(), 4)],
  ["an empty group", "INVALID_GROUP_ID", async (hand) => hand.commitOffset(await hand.init(), 3, { group: "" })],
  [
    "another group's offsets",
    "TRANSACTION_ABORTABLE",
    async (hand) => {
      const identity = await hand.init();
      expect(await hand.patiently(() => hand.addOffsets(identity))).toBe(ErrorCode.NONE);
      // Of another partition of __consumer_offsets: the groups of one are added together.
      return await hand.commitOffset(identity, 4, { group: `${hand.group}-other` });
    },
  ],
  [
    "an unknown member",
    "ILLEGAL_GENERATION",
    async (hand) => {
      const identity = await hand.init();
      await hand.patiently(() => hand.addOffsets(identity));
      return await hand.commitOffset(identity, 4, { memberId: "nobody", generationId: 3 });
    },
  ],
  [
    "a generation that never was",
    "ILLEGAL_GENERATION",
    async (hand) => {
      const identity = await hand.init();
      await hand.patiently(() => hand.addOffsets(identity));
      return await hand.commitOffset(identity, 4, { memberId: "", generationId: 3 });
    },
  ],
  [
    "an unknown instance",
    "ILLEGAL_GENERATION",
    async (hand) => {
      const identity = await hand.init();
      await hand.patiently(() => hand.addOffsets(identity));
      return await hand.commitOffset(identity, 4, { memberId: "m", generationId: 1, groupInstanceId: "i" });
    },
  ],
  [
    "an unknown topic",
    "UNKNOWN_TOPIC_OR_PARTITION",
    async (hand) => {
      const identity = await hand.init();
      await hand.patiently(() => hand.addOffsets(identity));
      return await hand.commitOffset(identity, 4, { topic: "nowhere" });
    },
  ],
  [
    "too much metadata",
    "OFFSET_METADATA_TOO_LARGE",
    async (hand) => {
      const identity = await hand.init();
      await hand.patiently(() => hand.addOffsets(identity));
      return await hand.commitOffset(identity, 4, { metadata: "m".repeat(4097) });
    },
  ],
  [
    "an older epoch",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => {
      const identity = await hand.init();
      await hand.patiently(() => hand.addOffsets(identity));
      expect(await hand.commitOffset(identity, 4)).toBe(ErrorCode.NONE);
      return await hand.commitOffset(older(identity), 4);
    },
  ],
  [
    "another producer's id, which may add by itself",
    "INVALID_PRODUCER_ID_MAPPING",
    async (hand) => hand.commitOffset(stranger(await hand.init()), 5),
  ],
];

const END_TXN: readonly Row[] = [
  ["an empty transactional id", "INVALID_REQUEST", (hand) => code(hand.end({ ...NOBODY }, true, 4, { id: "" }))],
  [
    "an unknown transactional id",
    "INVALID_PRODUCER_ID_MAPPING",
    (hand) => code(hand.end({ producerId: 1, producerEpoch: 0 }, true, 4)),
  ],
  ...[4, 5].flatMap((version): Row[] => [
    [
      `another producer's id, v${version}`,
      "INVALID_PRODUCER_ID_MAPPING",
      async (hand) => code(hand.end(stranger(await hand.open()), true, version)),
    ],
    [
      `an older epoch, v${version}`,
      "PRODUCER_FENCED",
      async (hand) => code(hand.end(older(await hand.open()), true, version)),
    ],
    [
      `a newer epoch, v${version}`,
      "PRODUCER_FENCED",
      async (hand) => code(hand.end(newer(await hand.open()), true, version)),
    ],
    [
      `the commit of nothing, v${version}`,
      "INVALID_TXN_STATE",
      async (hand) => code(hand.end(await hand.init(), true, version)),
    ],
  ]),
  [
    "an older epoch, in an old version",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => code(hand.end(older(await hand.open()), true, 1)),
  ],
  ["the abort of nothing, v4", "INVALID_TXN_STATE", async (hand) => code(hand.end(await hand.init(), false, 4))],
  ["the abort of nothing, v5", "NONE", async (hand) => code(hand.end(await hand.init(), false, 5))],
  [
    "an abort after the commit",
    "INVALID_TXN_STATE",
    async (hand) => {
      const identity = await hand.open();
      await hand.end(identity, true, 4);
      return await hand.patiently(() => code(hand.end(identity, false, 4)));
    },
  ],
];

const PRODUCE: readonly Row[] = [
  ["a partition that was never added", "TRANSACTION_ABORTABLE", async (hand) => hand.produce(await hand.init(), 11)],
  ["the same, in an old version", "INVALID_TXN_STATE", async (hand) => hand.produce(await hand.init(), 10)],
  [
    "an unknown transactional id",
    "INVALID_PRODUCER_ID_MAPPING",
    (hand) => hand.produce({ producerId: 12_345_678, producerEpoch: 0 }, 11),
  ],
  [
    "the same, where it may add by itself",
    "INVALID_PRODUCER_ID_MAPPING",
    (hand) => hand.produce({ producerId: 12_345_679, producerEpoch: 0 }, 12),
  ],
  [
    "an older epoch",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => hand.produce(older(await hand.open()), 11, { baseSequence: 1 }),
  ],
  ["a gap", "OUT_OF_ORDER_SEQUENCE_NUMBER", async (hand) => hand.produce(await hand.open(), 11, { baseSequence: 5 })],
  [
    "a plain batch of a producer with an open transaction",
    "INVALID_TXN_STATE",
    async (hand) => hand.produce(await hand.open(), 11, { baseSequence: 1, isTransactional: false }),
  ],
  [
    "an epoch that its successor has fenced",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => {
      const first = await hand.open();
      await hand.init();
      return await hand.produce(first, 11, { baseSequence: 1 });
    },
  ],
];

const WRITE_TXN_MARKERS: readonly Row[] = [
  [
    "an unknown topic",
    "UNKNOWN_TOPIC_OR_PARTITION",
    (hand) => hand.mark({ producerId: 1, producerEpoch: 0 }, { topic: "nowhere" }),
  ],
  [
    "an older epoch",
    "INVALID_PRODUCER_EPOCH",
    async (hand) => {
      await hand.init();
      return await hand.mark(older(await hand.open()));
    },
  ],
  [
    "a stale coordinator",
    "TRANSACTION_COORDINATOR_FENCED",
    async (hand) => {
      const identity = await hand.open();
      expect(await hand.mark(identity, { coordinatorEpoch: 5 })).toBe(ErrorCode.NONE);
      return await hand.mark(identity, { coordinatorEpoch: 4 });
    },
  ],
];

const LOOK_UP: readonly Row[] = [
  ["DescribeTransactions of an unknown id", "TRANSACTIONAL_ID_NOT_FOUND", (hand) => code(hand.describe())],
  ["DescribeTransactions of an empty id", "INVALID_REQUEST", (hand) => code(hand.describe(""))],
  [
    "ListTransactions by a pattern that is none",
    "INVALID_REGULAR_EXPRESSION",
    (hand) =>
      code(
        hand.ask(listTransactionsApi, 2, {
          ...{ stateFilters: [], producerIdFilters: [], durationFilter: -1 },
          transactionalIdPattern: "(",
        }),
      ),
  ],
  [
    "ListTransactions by a state that is none",
    "NONE",
    async (hand) => {
      const filters = { stateFilters: ["Hungry"], producerIdFilters: [] };
      const { unknownStateFilters, errorCode } = await hand.ask(listTransactionsApi, 0, filters);
      expect(unknownStateFilters).toEqual(["Hungry"]);
      return errorCode;
    },
  ],
  [
    "FindCoordinator of an empty id",
    "NONE",
    async (hand) => {
      const { coordinators } = await hand.ask(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys: [""] });
      return coordinators[0]!.errorCode;
    },
  ],
];

const TABLES = {
  InitProducerId: INIT_PRODUCER_ID,
  AddPartitionsToTxn: ADD_PARTITIONS,
  AddOffsetsToTxn: ADD_OFFSETS,
  TxnOffsetCommit: TXN_OFFSET_COMMIT,
  EndTxn: END_TXN,
  Produce: PRODUCE,
  WriteTxnMarkers: WRITE_TXN_MARKERS,
  "looking up": LOOK_UP,
};

// The same table holds for ours and for Apache Kafka: it is the judge of what is expected.
const targets = sdkTargets.filter(
  ({ name }) => name === "our broker over TCP" || name === `Apache Kafka ${KAFKA_VERSION}`,
);

for (const { name, isAbsent, start } of targets) {
  describe.skipIf(isAbsent)(`transactions with bad input: ${name}`, () => {
    let target: Awaited<ReturnType<typeof start>>;
    let connection: BrokerConnection;
    let bystander: TransactionHand;
    let bystanding: Identity;

    beforeAll(async () => {
      target = await start();
      await using admin = new Admin({ bootstrapServers: target.bootstrapServers });
      await admin.createTopics([{ name: TOPIC, partitions: 1 }]);
      // Apache Kafka answers before what it answers requests from knows of the topic.
      await until("the topic is known", async () => (await admin.listTopics()).some((topic) => topic.name === TOPIC));
      const runtime = createSystemRuntime();
      const address = parseAddress(target.bootstrapServers);
      const connector = createDefaultConnector(runtime);
      connection = await BrokerConnection.open({ address, connector, runtime, clientId: "by-hand" });
      bystander = new TransactionHand(connection, TOPIC, "bystander");
      for (const keyType of [0, 1]) {
        await bystander.patiently(async () => {
          const request = { keyType, coordinatorKeys: ["bystander"] };
          return (await bystander.ask(findCoordinatorApi, 4, request)).coordinators[0]!.errorCode;
        });
      }
      bystanding = await bystander.open();
    }, 60_000);
    afterAll(async () => {
      await connection?.close();
      await target?.stop();
    });

    for (const [api, rows] of Object.entries(TABLES)) {
      for (const [what, expected, run] of rows) {
        it(`${api}: ${what} is ${expected}`, async () => {
          expect(nameOf(await run(new TransactionHand(connection, TOPIC, `${api}: ${what}`)))).toBe(expected);
        });
      }
    }

    it("and nobody else's transaction is hurt", async () => {
      expect(await bystander.produce(bystanding, 11, { baseSequence: 1 })).toBe(ErrorCode.NONE);
      expect(await bystander.end(bystanding, true, 4)).toMatchObject({ errorCode: ErrorCode.NONE });
      await until("committed", async () => (await bystander.describe()).transactionState === "CompleteCommit");
    });
  });
}
