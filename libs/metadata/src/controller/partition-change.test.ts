import { describe, expect, it } from "vitest";
import { NO_LEADER, type PartitionImage } from "../image/metadata-image.ts";
import { type PartitionRules, type PartitionTarget, partitionChange } from "./partition-change.ts";

const partition = (overrides: Partial<PartitionImage> = {}): PartitionImage => ({
  partition: 0,
  replicas: [1, 2, 3],
  isr: [1, 2, 3],
  removingReplicas: [],
  addingReplicas: [],
  directories: ["dir-1", "dir-2", "dir-3"],
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  leader: 1,
  leaderRecoveryState: 0,
  leaderEpoch: 5,
  partitionEpoch: 7,
  ...overrides,
});

const rules = (active: readonly number[], overrides: Partial<PartitionRules> = {}): PartitionRules => ({
  isActive: (id) => active.includes(id),
  isDirectoryOnline: (_, directoryId) => directoryId !== "failed",
  minInsyncReplicas: 2,
  directoryOf: (id) => `dir-${id}`,
  keepsElr: true,
  ...overrides,
});

const UNCHANGED = -2;
const NO_ELR = { keepsElr: false };

interface Case {
  readonly name: string;
  readonly before?: Partial<PartitionImage>;
  readonly target: PartitionTarget;
  readonly active: readonly number[];
  readonly rules?: Partial<PartitionRules>;
  readonly after: ReturnType<typeof partitionChange>;
}

/** Replica 4 was to take the place of 1, and is the only one in sync; that is taken back, though records be lost. */
const TAKEN_BACK: Pick<Case, "before" | "target"> = {
  before: {
    ...{ replicas: [4, 2, 3, 1], directories: ["dir-4", "dir-2", "dir-3", "dir-1"] },
    ...{ isr: [4], leader: 4, addingReplicas: [4], removingReplicas: [1] },
  },
  target: { replicas: [2, 3, 1], isr: [], addingReplicas: [], removingReplicas: [], election: "unclean" },
};
const NOT_MOVED = {
  ...{ replicas: [2, 3, 1], addingReplicas: [], removingReplicas: [] },
  directories: ["dir-2", "dir-3", "dir-1"],
};

const cases: readonly Case[] = [
  {
    ...{ name: "taken back without ELR: no replica that is none any more stays in sync, or leads", ...TAKEN_BACK },
    ...{ active: [1, 3, 4], rules: NO_ELR },
    after: { leader: 3, isr: [3], ...NOT_MOVED, leaderRecoveryState: 1 },
  },
  {
    ...{ name: "the same while none is alive: the first is awaited", ...TAKEN_BACK, active: [4], rules: NO_ELR },
    after: { leader: NO_LEADER, isr: [2], ...NOT_MOVED },
  },
  {
    ...{ name: "the same with ELR: nobody is in sync", ...TAKEN_BACK, active: [1, 3, 4] },
    after: { leader: 3, isr: [3], ...NOT_MOVED, leaderRecoveryState: 1 },
  },
  { name: "nothing to change", target: {}, active: [1, 2, 3], after: null },
  { name: "the ISR shrinks", target: { isr: [1, 2] }, active: [1, 2, 3], after: { leader: UNCHANGED, isr: [1, 2] } },
  {
    name: "the leader goes: the next in the order of replicas that is in sync leads",
    target: { isr: [2, 3] },
    active: [2, 3],
    after: { leader: 2, isr: [2, 3] },
  },
  {
    name: "a replica that is not in sync does not lead",
    before: { isr: [1, 3] },
    target: { isr: [3] },
    active: [2, 3],
    after: { leader: 3, isr: [3], eligibleLeaderReplicas: [1] },
  },
  {
    name: "below min.insync.replicas those that leave the ISR stay eligible",
    before: { isr: [1, 2] },
    target: { isr: [1] },
    active: [1, 3],
    after: { leader: UNCHANGED, isr: [1], eligibleLeaderReplicas: [2] },
  },
  {
    name: "the last in sync goes: nobody leads, and it is eligible with the others",
    before: { isr: [1], eligibleLeaderReplicas: [2] },
    target: { isr: [] },
    active: [3],
    after: { leader: NO_LEADER, isr: [], eligibleLeaderReplicas: [2, 1], lastKnownElr: [1] },
  },
  {
    name: "an eligible replica that comes back leads, and is in sync",
    before: { isr: [], leader: NO_LEADER, eligibleLeaderReplicas: [2, 1], lastKnownElr: [1] },
    target: {},
    active: [2],
    after: { leader: 2, isr: [2], eligibleLeaderReplicas: [1], lastKnownElr: [] },
  },
  {
    name: "the preferred replica that is eligible only does not lead while another is in sync",
    before: { isr: [2], leader: 2, eligibleLeaderReplicas: [1] },
    target: { election: "preferred" },
    active: [1, 2],
    after: null,
  },
  {
    name: "the preferred replica that is eligible leads where nobody is in sync",
    before: { isr: [], leader: NO_LEADER, eligibleLeaderReplicas: [2, 1] },
    target: { election: "preferred" },
    active: [1, 2],
    after: { leader: 1, isr: [1], eligibleLeaderReplicas: [2] },
  },
  {
    name: "one in sync leads before one earlier in the list that is eligible only",
    before: { isr: [3, 2], eligibleLeaderReplicas: [1], leader: 2 },
    target: { isr: [3] },
    active: [1, 3],
    rules: { minInsyncReplicas: 3 },
    after: { leader: 3, isr: [3], eligibleLeaderReplicas: [1, 2] },
  },
  {
    name: "nobody leads while the last in sync, which is not there, may have more than those that are eligible",
    before: { isr: [2], leader: 2, eligibleLeaderReplicas: [1] },
    target: {},
    active: [1],
    after: { leader: NO_LEADER },
  },
  {
    name: "with enough in sync nobody else need be eligible",
    before: { isr: [2], leader: 2, eligibleLeaderReplicas: [1] },
    target: { isr: [2, 3] },
    active: [1, 2, 3],
    after: { leader: UNCHANGED, isr: [2, 3], eligibleLeaderReplicas: [] },
  },
  {
    name: "where one alone is enough to acknowledge records, nobody else stays eligible beside the one that leads",
    before: { isr: [], leader: NO_LEADER, eligibleLeaderReplicas: [2, 1] },
    target: {},
    active: [2],
    rules: { minInsyncReplicas: 1 },
    after: { leader: 2, isr: [2], eligibleLeaderReplicas: [] },
  },
  {
    name: "an unclean stop ends eligibility",
    before: { isr: [2], leader: 2, eligibleLeaderReplicas: [1] },
    target: { uncleanReplicas: [1] },
    active: [2],
    after: { leader: UNCHANGED, eligibleLeaderReplicas: [] },
  },
  {
    name: "with nobody left who surely has everything, the last leader leads when it is back, and recovers",
    before: { isr: [], leader: NO_LEADER, eligibleLeaderReplicas: [], lastKnownElr: [2] },
    target: {},
    active: [1, 2, 3],
    after: { leader: 2, isr: [2], lastKnownElr: [], leaderRecoveryState: 1 },
  },
  {
    name: "without ELR those that were eligible lead no more: others have acknowledged records since",
    before: { isr: [1], eligibleLeaderReplicas: [2] },
    target: { isr: [] },
    active: [2],
    rules: NO_ELR,
    after: { leader: NO_LEADER, eligibleLeaderReplicas: [] },
  },
  {
    name: "without ELR, but with nobody in sync since there was, those that were eligible have everything",
    before: { isr: [], leader: NO_LEADER, eligibleLeaderReplicas: [2, 1] },
    target: {},
    active: [2],
    rules: NO_ELR,
    after: { leader: 2, isr: [2], eligibleLeaderReplicas: [] },
  },
  {
    name: "without ELR the last in sync stays in the ISR, and nobody else leads",
    before: { isr: [1] },
    target: { isr: [] },
    active: [2, 3],
    rules: NO_ELR,
    after: { leader: NO_LEADER },
  },
  {
    name: "an unclean election takes whom it finds, and says so",
    before: { isr: [1] },
    target: { isr: [], election: "unclean" },
    active: [3],
    rules: NO_ELR,
    after: { leader: 3, isr: [3], leaderRecoveryState: 1 },
  },
  {
    name: "an unclean election is none where somebody in sync is there",
    target: { isr: [2, 3], election: "unclean" },
    active: [2, 3],
    after: { leader: 2, isr: [2, 3] },
  },
  {
    name: "a replica whose log directory has failed does not lead",
    before: { directories: ["dir-1", "failed", "dir-3"] },
    target: { isr: [2, 3] },
    active: [2, 3],
    after: { leader: 3, isr: [2, 3] },
  },
  {
    name: "a leader whose log directory has failed hands over",
    before: { directories: ["failed", "dir-2", "dir-3"] },
    target: { isr: [2, 3] },
    active: [1, 2, 3],
    after: { leader: 2, isr: [2, 3] },
  },
  {
    name: "an unclean election takes nobody whose log directory has failed",
    before: { isr: [1], directories: ["dir-1", "failed", "dir-3"] },
    target: { isr: [], election: "unclean" },
    active: [2, 3],
    rules: NO_ELR,
    after: { leader: 3, isr: [3], leaderRecoveryState: 1 },
  },
  {
    name: "the preferred replica leads if it is in sync",
    before: { leader: 2 },
    target: { election: "preferred" },
    active: [1, 2, 3],
    after: { leader: 1 },
  },
  {
    name: "the preferred replica does not lead while it is not in sync",
    before: { leader: 2, isr: [2, 3] },
    target: { election: "preferred" },
    active: [1, 2, 3],
    after: null,
  },
  {
    name: "a reassignment ends when all that are added are in sync; the leadership begins anew",
    before: { replicas: [4, 2, 1, 3], addingReplicas: [4], removingReplicas: [1, 3], leader: 2 },
    target: { isr: [2, 4, 1, 3] },
    active: [1, 2, 3, 4],
    after: {
      leader: 2,
      isr: [2, 4],
      replicas: [4, 2],
      directories: ["dir-1", "dir-2"],
      addingReplicas: [],
      removingReplicas: [],
    },
  },
  {
    name: "a leader that is removed hands over",
    before: { replicas: [2, 1], isr: [1, 2], directories: ["dir-2", "dir-1"], removingReplicas: [1] },
    target: {},
    active: [1, 2],
    after: { leader: 2, isr: [2], replicas: [2], directories: ["dir-2"], removingReplicas: [] },
  },
  {
    name: "a reassignment goes on while one that is added is not in sync",
    before: { replicas: [4, 5, 1], isr: [1], addingReplicas: [4, 5], removingReplicas: [1] },
    target: { isr: [1, 4] },
    active: [1, 4, 5],
    after: { leader: UNCHANGED, isr: [1, 4] },
  },
  {
    name: "one that takes replicas away goes on while one that stays is not in sync",
    before: { isr: [1, 3], removingReplicas: [3] },
    target: {},
    active: [1, 2, 3],
    after: null,
  },
  {
    name: "one that takes replicas away ends when all that stay are in sync",
    before: { isr: [1, 3], removingReplicas: [3] },
    target: { isr: [1, 3, 2] },
    active: [1, 2, 3],
    after: {
      leader: 1,
      isr: [1, 2],
      replicas: [1, 2],
      directories: ["dir-1", "dir-2"],
      removingReplicas: [],
    },
  },
  {
    name: "one that moves a replica ends though another that stays is not in sync",
    before: {
      replicas: [1, 2, 4, 3],
      directories: ["dir-1", "dir-2", "dir-4", "dir-3"],
      isr: [1, 3],
      addingReplicas: [4],
      removingReplicas: [3],
    },
    target: { isr: [1, 3, 4] },
    active: [1, 2, 3, 4],
    after: {
      leader: 1,
      isr: [1, 4],
      replicas: [1, 2, 4],
      directories: ["dir-1", "dir-2", "dir-4"],
      addingReplicas: [],
      removingReplicas: [],
    },
  },
  {
    name: "the leader has recovered",
    before: { leaderRecoveryState: 1 },
    target: { leaderRecoveryState: 0 },
    active: [1, 2, 3],
    after: { leader: UNCHANGED, leaderRecoveryState: 0 },
  },
];

describe("a change of a partition", () => {
  it.each(cases)("$name", ({ before, target, active, rules: overrides, after }) => {
    expect(partitionChange(partition(before), target, rules(active, overrides))).toEqual(after);
  });
});
