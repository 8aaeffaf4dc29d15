import { ErrorCode } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { quotaEntityOf, quotasOf } from "../image/client-quotas.ts";
import { recordsOf } from "../image/image-records.ts";
import { imageAfter, stateWith } from "../test-support/controller-fixture.ts";
import { alterClientQuotas, type QuotaAlteration } from "./alter-client-quotas.ts";

type Ops = Readonly<Record<string, number | null>>;

const alteration = (entity: Readonly<Record<string, string | null>>, ops: Ops): QuotaAlteration => ({
  entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
  ops: Object.entries(ops).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
});

const alter = (state: ReturnType<typeof stateWith>, ...alterations: QuotaAlteration[]) =>
  alterClientQuotas(state, alterations, false);

function quotasAfter(steps: readonly QuotaAlteration[][], entity: Readonly<Record<string, string | null>>) {
  let state = stateWith([1]);
  for (const step of steps) {
    const { records } = alter(state, ...step);
    state = { ...state, image: imageAfter(records, state.image) };
  }
  const parts = alteration(entity, {}).entity;
  return { state, quotas: Object.fromEntries(quotasOf(state.image, quotaEntityOf(parts))) };
}

describe("alterClientQuotas", () => {
  it("sets, changes and removes quotas of an entity, in whatever order its parts are named", () => {
    const set = alteration({ user: "u", "client-id": null }, { producer_byte_rate: 1024, request_percentage: 12.5 });
    const change = alteration({ "client-id": null, user: "u" }, { producer_byte_rate: 5, request_percentage: null });
    expect(quotasAfter([[set]], { user: "u", "client-id": null }).quotas).toEqual({
      producer_byte_rate: 1024,
      request_percentage: 12.5,
    });
    const { state, quotas } = quotasAfter([[set], [change]], { user: "u", "client-id": null });
    expect(quotas).toEqual({ producer_byte_rate: 5 });
    const gone = alter(state, alteration({ user: "u", "client-id": null }, { producer_byte_rate: null }));
    expect(imageAfter(gone.records, state.image).clientQuotas.size).toBe(0);
  });

  it("survives a snapshot: the default of a type is another entity than a name", () => {
    const { state } = quotasAfter(
      [
        [
          alteration({ user: null }, { consumer_byte_rate: 1 }),
          alteration({ user: "<default>" }, { consumer_byte_rate: 2 }),
          alteration({ ip: "10.0.0.1" }, { connection_creation_rate: 3 }),
        ],
      ],
      {},
    );
    const again = imageAfter(recordsOf(state.image));
    expect([...again.clientQuotas].sort()).toEqual([...state.image.clientQuotas].sort());
    expect(quotasOf(again, new Map([["user", null]]))).toEqual(new Map([["consumer_byte_rate", 1]]));
  });

  it("writes nothing for what is so already, is only checked, or is not there to be removed", () => {
    const set = alteration({ user: "u" }, { producer_byte_rate: 7 });
    const { state } = quotasAfter([[set]], { user: "u" });
    expect(alter(state, set).records).toEqual([]);
    expect(alter(state, alteration({ user: "u" }, { consumer_byte_rate: null })).records).toEqual([]);
    const checked = alterClientQuotas(state, [alteration({ user: "u" }, { producer_byte_rate: 8 })], true);
    expect(checked).toMatchObject({ records: [], response: [{ errno: 0 }] });
  });

  it.each([
    ["no entity", {}, { producer_byte_rate: 1 }, "Invalid empty client quota entity"],
    ["an unknown type", { group: "g" }, { producer_byte_rate: 1 }, "Unhandled client quota entity type: group"],
    ["an empty name", { user: "" }, { producer_byte_rate: 1 }, "Empty user not supported"],
    ["an ip with a user", { ip: null, user: "u" }, { connection_creation_rate: 1 }, "shouldnot be combined"],
    ["an ip that is none", { ip: "1.2.3.999" }, { connection_creation_rate: 1 }, "is not a valid IP"],
    ["an IPv6 that is none", { ip: "1:2" }, { connection_creation_rate: 1 }, "is not a valid IP"],
    ["an unknown key", { user: "u" }, { bytes: 1 }, "Invalid configuration key bytes"],
    ["a client's key for an ip", { ip: "::1" }, { producer_byte_rate: 1 }, "Invalid configuration key"],
    ["an ip's key for a client", { user: "u" }, { connection_creation_rate: 1 }, "Invalid configuration key"],
    ["zero", { user: "u" }, { producer_byte_rate: 0 }, "must be greater than 0"],
    ["less than zero", { user: "u" }, { request_percentage: -1 }, "must be greater than 0"],
    ["no number", { user: "u" }, { request_percentage: Number.NaN }, "must be greater than 0"],
    ["half a byte", { user: "u" }, { consumer_byte_rate: 1.5 }, "cannot be a fractional value"],
    ["too much", { user: "u" }, { consumer_byte_rate: 1e19 }, "too large for a LONG"],
    ["too many", { ip: null }, { connection_creation_rate: 2 ** 31 }, "too large for an INT"],
  ])("refuses %s with INVALID_REQUEST, and nothing else with it", (_, entity, ops, message) => {
    const good = alteration({ user: "good" }, { producer_byte_rate: 1 });
    const bad = alteration(entity as Readonly<Record<string, string | null>>, ops as unknown as Ops);
    const { records, response } = alter(stateWith([1]), bad, good);
    expect(response).toMatchObject([
      { errno: ErrorCode.INVALID_REQUEST, message: expect.stringContaining(message) },
      { errno: ErrorCode.NONE },
    ]);
    expect(records).toHaveLength(1);
  });

  it("does nothing for an entity where one of its keys is wrong, or given twice", () => {
    const half = alteration({ user: "u" }, { producer_byte_rate: 1, request_percentage: -1 });
    const twice = {
      ...alteration({ user: "v" }, {}),
      ops: [1, 2].map((value) => ({ key: "producer_byte_rate", value, remove: false })),
    };
    const { records, response } = alter(stateWith([1]), half, twice);
    expect(records).toEqual([]);
    expect(response.map(({ errno }) => errno)).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST]);
  });

  it("answers an entity that is named twice once, with an error, and keeps the first", () => {
    const first = alteration({ user: "u" }, { producer_byte_rate: 1 });
    const second = alteration({ user: "u" }, { producer_byte_rate: 2 });
    const { records, response } = alter(stateWith([1]), first, second);
    expect(records).toMatchObject([{ value: 1 }]);
    expect(response).toMatchObject([{ errno: ErrorCode.INVALID_REQUEST }]);
  });
});
