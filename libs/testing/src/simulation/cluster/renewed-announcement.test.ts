import { expect, test } from "vitest";
import { SimulatedCluster } from "../simulated-cluster.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import { Tally } from "../tally.ts";
import { MetadataTruth } from "./metadata-truth.ts";

/** After the announcement: its answer is under way, has come, or what follows from it is being done. */
const LATER_MS = [0, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 5];

/** Three brokers; the session of the second one ends, and so does the next one, so long after it has been announced anew. */
async function brokersAfterTwoExpiries(laterMs: number): Promise<string[]> {
  const tally = new Tally();
  const world = new SimulatedWorld({ seed: 1, tally });
  world.isFaulty = false;
  const truth = new MetadataTruth(tally, (error) => world.violated(error));
  let expiries = 0;
  const expire = () => {
    expiries++;
    cluster.sessionOf(cluster.brokers[1])!.expire();
  };
  const cluster = new SimulatedCluster({
    ...{ world, brokers: 3, config: {} },
    onCommit: (commit) => {
      truth.onCommit(commit);
      const isAnnounced = commit.changes.some(
        ({ type, path }) => type === "created" && path.endsWith("/brokers/ids/2"),
      );
      if (isAnnounced && expiries === 1) world.later(laterMs, expire);
    },
  });
  await world.settle(cluster.start());
  expire();
  for (let step = 0; step < 100; step++) await world.step();
  expect(expiries).toBe(2);
  world.operator.kill();
  cluster.killAll();
  return [...truth.image.brokers.values()].map(({ brokerId, fenced }) => `${brokerId} ${fenced ? "fenced" : "active"}`);
}

test.each(LATER_MS)(
  "a broker that is forgotten again %d ms after it was announced anew comes back",
  async (laterMs) => {
    const brokers = await brokersAfterTwoExpiries(laterMs);
    expect(brokers.sort()).toEqual(["1 active", "2 active", "3 active"]);
  },
);
