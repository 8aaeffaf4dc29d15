import { Admin } from "@ottla/admin";
import { startBroker } from "@ottla/broker-app";
import { findCoordinatorApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { startCluster } from "@ottla/testing";
import { BrokerConnection, createDefaultConnector, parseBootstrap } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { kafkaClassPath } from "../harness/external.ts";
import { GroupHand, nameOf, type Topic } from "../harness/group-hand.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";
import { until } from "../harness/until.ts";
import {
  CONSUMER_GROUP_DESCRIBE,
  DELETE_GROUPS,
  DESCRIBE_GROUPS,
  describeGroup,
  FIND_COORDINATOR,
  LIST_GROUPS,
} from "./groups-bad-input/groups.ts";
import {
  CONSUMER_GROUP_HEARTBEAT,
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  SYNC_GROUP,
} from "./groups-bad-input/members.ts";
import { deleteOffset, OFFSET_COMMIT, OFFSET_DELETE, OFFSET_FETCH } from "./groups-bad-input/offsets.ts";
import { code, GARBAGE, INSTANCE, type Kind, type Row } from "./groups-bad-input/row.ts";

/** The same settings for both. Live groups stay in their protocol: migrating them is later work of ours. */
const SETTINGS = {
  "group.initial.rebalance.delay.ms": "0",
  "group.max.size": "2",
  "group.consumer.max.size": "2",
  "offset.metadata.max.bytes": "100",
};

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  JoinGroup: JOIN_GROUP,
  SyncGroup: SYNC_GROUP,
  Heartbeat: HEARTBEAT,
  LeaveGroup: LEAVE_GROUP,
  OffsetCommit: OFFSET_COMMIT,
  OffsetFetch: OFFSET_FETCH,
  OffsetDelete: OFFSET_DELETE,
  DeleteGroups: DELETE_GROUPS,
  DescribeGroups: DESCRIBE_GROUPS,
  ListGroups: LIST_GROUPS,
  ConsumerGroupHeartbeat: CONSUMER_GROUP_HEARTBEAT,
  ConsumerGroupDescribe: CONSUMER_GROUP_DESCRIBE,
  FindCoordinator: FIND_COORDINATOR,
};

interface Target {
  readonly bootstrapServers: string;
  stop(): Promise<unknown>;
}

type Place = readonly [name: string, isAbsent: boolean, start: () => Promise<Target>];

/** In the long form. */
const CLUSTER: Place = [
  "the coordinator of a cluster of ours",
  false,
  async () => {
    const cluster = await startCluster({ config: { ...SETTINGS, "offsets.topic.num.partitions": 1 } });
    const { bootstrapServers } = cluster.broker(await coordinatorOf(cluster.bootstrapServers));
    return { bootstrapServers, stop: () => cluster.close() };
  },
];

const targets: readonly Place[] = [
  [
    "our broker",
    false,
    async () => {
      const broker = await startBroker({ port: 0, memory: true, config: SETTINGS });
      return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
    },
  ],
  ...(process.env.OTTLA_TEST_DEEP ? [CLUSTER] : []),
  [
    `Apache Kafka ${KAFKA_VERSION}`,
    kafkaClassPath === null,
    () => KafkaProcess.start({ ...SETTINGS, "group.consumer.migration.policy": "disabled" }),
  ],
];

async function connect(bootstrapServers: string): Promise<BrokerConnection> {
  const runtime = createSystemRuntime();
  const [address] = parseBootstrap(bootstrapServers);
  const connector = createDefaultConnector(runtime);
  return await BrokerConnection.open({ connector, runtime, address: address!, clientId: "hand" });
}

/** The coordinator of all groups, where they have one partition. */
async function coordinatorOf(bootstrapServers: string): Promise<number> {
  const connection = await connect(bootstrapServers);
  let nodeId = -1;
  await until("there is a coordinator", async () => {
    const asked = { keyType: 0, coordinatorKeys: ["any"] };
    nodeId = (await connection.request(findCoordinatorApi, asked, { version: 6 })).coordinators[0]!.nodeId;
    return nodeId >= 0;
  });
  connection.close();
  return nodeId;
}

for (const [name, isAbsent, start] of targets) {
  describe.skipIf(isAbsent)(`bad input of group APIs: ${name}`, () => {
    let target: Target;
    let connection: BrokerConnection;
    let topic: Topic;
    let count = 0;

    const open = (kind: Kind): Promise<GroupHand> => {
      const groupId = `g-${++count}`;
      const instanceId = kind.startsWith("static") ? INSTANCE : null;
      if (kind.endsWith("consumer")) return GroupHand.consumer(connection, topic, groupId, instanceId);
      return GroupHand.classic(connection, topic, groupId, instanceId);
    };

    beforeAll(async () => {
      target = await start();
      await using admin = new Admin({ bootstrapServers: target.bootstrapServers });
      const [created] = await admin.createTopics([{ name: "bad-input", partitions: 2 }]);
      topic = { name: "bad-input", id: created!.topicId };
      connection = await connect(target.bootstrapServers);
      await connection.request(findCoordinatorApi, { keyType: 0, coordinatorKeys: ["any"] }, { version: 6 });
    }, 120_000);

    afterAll(async () => {
      connection?.close();
      await target?.stop();
    });

    for (const [api, rows] of Object.entries(TABLES)) {
      describe(api, () => {
        it.each(rows)("%s (%s group): %s", async (_what, kind, expected, run) => {
          const hand = await open(kind);
          expect(await run(hand)).toBe(expected);
          await hand.expectUnharmed();
        });
      });
    }

    it("JoinGroup: metadata that nobody can read is carried, and stands for any topic", async () => {
      const hand = await open("classic");
      const groupId = `${hand.groupId}-garbage`;
      const protocols = [{ name: "range", metadata: GARBAGE }];
      const { memberId } = await hand.join({ groupId, protocols });
      const joined = await hand.join({ groupId, memberId, protocols });
      expect([nameOf(joined.errorCode), joined.members[0]!.metadata]).toEqual(["NONE", GARBAGE]);
      const assignments = [{ memberId, assignment: GARBAGE }];
      const synced = await hand.sync({ groupId, memberId, generationId: joined.generationId, assignments });
      expect([nameOf(synced.errorCode), synced.assignment]).toEqual(["NONE", GARBAGE]);
      expect(await describeGroup(hand, groupId)).toBe("NONE Stable");
      expect(await deleteOffset(hand, { groupId })).toBe("NONE,GROUP_SUBSCRIBED_TO_TOPIC");
      await hand.expectUnharmed();
    });

    it("a member too many of the consumer protocol is refused", async () => {
      const hand = await open("consumer");
      expect(await code(hand.consumerJoin({ memberId: "second" }))).toBe("NONE");
      expect(await code(hand.consumerJoin({ memberId: "third" }))).toBe("GROUP_MAX_SIZE_REACHED");
      await hand.expectUnharmed();
    });
  });
}
