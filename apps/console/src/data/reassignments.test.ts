import { describe, expect, it } from "vitest";
import { progressOf } from "./reassignments.ts";

const replica = (sizeBytes: number) => ({ topic: "a", partition: 0, sizeBytes, offsetLag: 0, isFuture: false });
const moving = { topic: "a", partition: 0, replicas: [1, 2, 3], addingReplicas: [2, 3], removingReplicas: [1] };

describe("the progress of a reassignment", () => {
  it("is what those that come have of what there is", () => {
    const logDirs = [
      { broker: 1, replicas: [replica(1_000)] },
      { broker: 2, replicas: [replica(1_000)] },
      { broker: 3, replicas: [replica(500)] },
    ];
    expect(progressOf([moving], logDirs)).toMatchObject([{ sizeBytes: 1_000, share: 0.75 }]);
  });

  it("begins at nothing, and is all where there is nothing to copy or to add", () => {
    expect(progressOf([moving], [{ broker: 1, replicas: [replica(10)] }])).toMatchObject([{ share: 0 }]);
    expect(progressOf([moving], [])).toMatchObject([{ share: 1 }]);
    const leaving = { ...moving, addingReplicas: [] };
    expect(progressOf([leaving], [{ broker: 1, replicas: [replica(10)] }])).toMatchObject([{ share: 1 }]);
  });
});
