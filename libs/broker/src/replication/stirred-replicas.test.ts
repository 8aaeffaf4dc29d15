import { expect, it } from "vitest";
import type { Replica } from "./replica.ts";
import { StirredReplicas } from "./stirred-replicas.ts";

const replica = (notBeforeMs = 0) => ({ notBeforeMs }) as Replica;

/** All were looked at, then one was answered after the other. */
function answeredInTurn(...replicas: readonly Replica[]): StirredReplicas {
  const stirred = new StirredReplicas();
  stirred.lookedAtAll(1_000, true);
  for (const each of replicas) {
    stirred.beginAnswer();
    stirred.answered(each);
  }
  return stirred;
}

it("are those of the last two answers: what the last one brought may be on its way to the file", () => {
  const [first, second, third] = [replica(), replica(), replica()];
  expect(answeredInTurn().at(1_001)).toEqual([]);
  expect(answeredInTurn(first, second, third).at(1_001)).toEqual([second, third]);
  expect(answeredInTurn(first, first).at(1_001)).toEqual([first]);
});

it("are not known after a while, before the first look, where some were not wanted, and where one has come or gone", () => {
  const gone = replica();
  const stirred = answeredInTurn(gone);
  expect(stirred.at(1_500)).toBeNull();
  expect(new StirredReplicas().at(0)).toBeNull();
  stirred.lookAtAll();
  expect(stirred.at(1_001)).toBeNull();
  stirred.lookedAtAll(1_001, false);
  expect(stirred.at(1_002)).toBeNull();
  stirred.removed(gone);
  stirred.lookedAtAll(1_002, true);
  expect(stirred.at(1_003)).toEqual([]);
});

it("are not known while one of them waits after an error", () => {
  const stirred = answeredInTurn(replica(1_300));
  expect(stirred.at(1_299)).toBeNull();
  expect(stirred.at(1_300)).toHaveLength(1);
});
