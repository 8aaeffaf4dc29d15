import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { everyClientTarget, type RunningTarget } from "../harness/client-targets.ts";
import { external } from "../harness/external.ts";
import { run } from "../harness/process.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";

/** 5 codecs of 200 records, a null, an empty one and one of 1 MB. */
const RECORDS = 5 * 203;

const script = (name: string) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url));

const PROGRAMS = [
  { client: "franz-go", home: external.franzGo, command: [external.franzGo ?? ""], retention: "604800000" },
  {
    client: "librdkafka (confluent-kafka)",
    home: external.librdkafka,
    command: ["python3", script("confluent_program.py")],
    retention: "604800001",
  },
  {
    client: "aiokafka",
    home: external.aiokafka,
    command: ["python3", script("aiokafka_program.py")],
    retention: "604800001",
  },
];

for (const { client, home, command, retention } of PROGRAMS) {
  describe.skipIf(home === null).each(everyClientTarget)(`a program on ${client} and $name`, ({ start, isCluster }) => {
    let broker: RunningTarget;

    beforeAll(async () => {
      broker = await start();
    });
    afterAll(() => broker?.stop());

    twice("writes with all codecs, reads in a group, commits and administers", async (round) => {
      const args = [...command.slice(1), broker.bootstrapServers, "program"];
      const env = { ...process.env, PYTHONPATH: home ?? "" };
      const { code, stdout, stderr } = await run(command[0]!, args, { env });
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        ...{ produced: RECORDS, consumed: RECORDS, nulls: 5, empty: 5, big: 5, lag: 0 },
        ...{ committed: RECORDS * round, retention },
      });
    });

    if (!isCluster) itIsDissected(() => broker.frames);
  });
}
