import { readFileSync } from "node:fs";
import type { Admin, NewPartitionReassignment } from "@ottla/admin";
import * as z from "zod";
import type { ConnectionOptions } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { describeWithFenced } from "../registered-brokers.ts";
import { printJson, printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

export interface ReassignOptions extends ConnectionOptions {
  readonly jsonFile: string;
  readonly cancel?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The file of Kafka's `kafka-reassign-partitions`. */
const plan = z.strictObject({
  version: z.literal(1).optional(),
  partitions: z
    .array(
      z.strictObject({
        topic: z.string().min(1),
        partition: z.int().min(0),
        replicas: z.array(z.int().min(0)).min(1),
        /** Directories of brokers are not chosen here. */
        log_dirs: z.array(z.literal("any")).optional(),
      }),
    )
    .min(1),
});

type Plan = z.infer<typeof plan>["partitions"];

/** What becomes of one partition. */
interface Move {
  readonly topic: string;
  readonly partition: number;
  readonly from: readonly number[];
  /** Null where what is under way is given up. */
  readonly to: readonly number[] | null;
}

/** Begins to move replicas, or gives that up. What cannot be done of it is found out before anything has begun. */
export async function reassign(options: ReassignOptions): Promise<void> {
  const wanted = readPlan(options.jsonFile);
  await withAdmin(options, async (admin) => {
    const moves = await movesOf(admin, wanted, options.cancel ?? false);
    if (!options.dryRun) await admin.alterPartitionReassignments(moves.map(reassignmentOf));
    if (options.json) return printJson(moves);
    const rows = moves.map((move) => ({ ...move, from: move.from.join(","), to: move.to?.join(",") ?? "as it was" }));
    printRows(rows, { topic: "TOPIC", partition: "PARTITION", from: "REPLICAS", to: "TO BE" }, { empty: "" });
    if (options.dryRun) process.stdout.write("nothing was changed (--dry-run)\n");
    else process.stdout.write(options.cancel ? "cancelled\n" : "begun; ottla cluster describe shows how far it is\n");
  });
}

function reassignmentOf({ topic, partition, to }: Move): NewPartitionReassignment {
  return { topic, partition, replicas: to };
}

/** @throws UsageError that says what is wrong in the file */
function readPlan(path: string): Plan {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`--json-file ${path} cannot be read: ${(error as Error).message}`);
  }
  const parsed = plan.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join(".") || "it"}: ${message}`);
    const right = '{"version": 1, "partitions": [{"topic": "orders", "partition": 0, "replicas": [1, 2]}]}';
    throw new UsageError(`--json-file ${path}: ${problems.join("; ")}. It has to be like ${right}.`);
  }
  checkPlan(parsed.data.partitions);
  return parsed.data.partitions;
}

function checkPlan(partitions: Plan): void {
  const seen = new Set<string>();
  for (const { topic, partition, replicas } of partitions) {
    const name = `${topic}-${partition}`;
    if (seen.has(name)) throw new UsageError(`--json-file has ${name} twice.`);
    if (new Set(replicas).size < replicas.length) {
      throw new UsageError(`--json-file: ${name} has a broker twice in its replicas, ${replicas.join(", ")}.`);
    }
    seen.add(name);
  }
}

async function movesOf(admin: Admin, wanted: Plan, isCancel: boolean): Promise<Move[]> {
  const described = await admin.describeTopics([...new Set(wanted.map(({ topic }) => topic))]);
  const { brokers } = await describeWithFenced(admin);
  const known = new Set(brokers.map(({ id }) => id));
  return wanted.map(({ topic, partition, replicas }) => {
    const { partitions } = described.find(({ name }) => name === topic)!;
    const now = partitions.find((each) => each.partition === partition);
    if (now === undefined) {
      throw new UsageError(`--json-file: ${topic} has the partitions 0 to ${partitions.length - 1}, not ${partition}.`);
    }
    const unknown = replicas.find((id) => !known.has(id));
    if (unknown !== undefined) {
      throw new UsageError(
        `--json-file: there is no broker ${unknown}; there are ${[...known].sort((a, b) => a - b).join(", ")}.`,
      );
    }
    return { topic, partition, from: now.replicas, to: isCancel ? null : replicas };
  });
}
