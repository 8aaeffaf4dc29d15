import { alterClientQuotasApi, describeClientQuotasApi, describeUserScramCredentialsApi } from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers } from "../both-brokers.ts";

type Entity = Readonly<Record<string, string | null>>;
type Ops = readonly (readonly [key: string, value: number | null])[];

const [EXACT, DEFAULT, SPECIFIED] = [0, 1, 2];
/** Its texts name Java classes here and there. */
const ALIKE = { ignoring: ["errorMessage"] };

export function quotasCases(both: () => BothBrokers): void {
  const partsOf = (entity: Entity) =>
    Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));
  const entry = (entity: Entity, ops: Ops) => ({
    entity: partsOf(entity),
    ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  });
  const alter = (version: number, entries: ReturnType<typeof entry>[], validateOnly = false) =>
    both().same(alterClientQuotasApi, version, { entries, validateOnly }, ALIKE);
  const describeQuotas = (
    version: number,
    components: readonly (readonly [type: string, matchType: number, match: string | null])[],
    strict = false,
  ) =>
    both().same(
      describeClientQuotasApi,
      version,
      {
        components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
        strict,
      },
      { ...ALIKE, eventually: true },
    );
  /** Nothing of these: the brokers of the other cases are not to be slowed down. */
  const NAMES = { user: "judged", client: "judged-client" };

  it("DescribeUserScramCredentials where there are none", async () => {
    const ask = (users: { name: string }[] | null) =>
      both().same(describeUserScramCredentialsApi, 0, { users }, { ...ALIKE, inAnyOrder: true });
    await ask(null);
    await ask([]);
    await ask([{ name: "alice" }, { name: "bob" }]);
    await ask([{ name: "alice" }, { name: "alice" }]);
    await ask([{ name: "" }]);
  });

  describe.each([0, 1])("client quotas v%i", (version) => {
    const removed = (keys: readonly string[]): Ops => keys.map((key) => [key, null]);
    const RATES = ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];

    it("are set, described by filters, changed and removed", async () => {
      await describeQuotas(version, []);
      await alter(version, [
        entry({ user: NAMES.user }, [
          ["producer_byte_rate", 1e9],
          ["request_percentage", 350.5],
        ]),
        entry({ user: NAMES.user, "client-id": NAMES.client }, [["consumer_byte_rate", 2e9]]),
        entry({ "client-id": null, user: NAMES.user }, [["controller_mutation_rate", 1000.25]]),
        entry({ ip: "10.1.2.3" }, [["connection_creation_rate", 77]]),
      ]);
      for (const strict of [false, true]) {
        await describeQuotas(version, [], strict);
        await describeQuotas(version, [["user", EXACT, NAMES.user]], strict);
        await describeQuotas(version, [["user", DEFAULT, null]], strict);
        await describeQuotas(version, [["user", SPECIFIED, null]], strict);
        await describeQuotas(version, [["client-id", DEFAULT, null]], strict);
        await describeQuotas(
          version,
          [
            ["user", EXACT, NAMES.user],
            ["client-id", SPECIFIED, null],
          ],
          strict,
        );
        await describeQuotas(version, [["ip", EXACT, "10.1.2.3"]], strict);
        await describeQuotas(version, [["ip", EXACT, "10.9.9.9"]], strict);
      }
      await alter(version, [
        entry({ user: NAMES.user }, [
          ["producer_byte_rate", 2e9],
          ["request_percentage", null],
          ["consumer_byte_rate", null],
        ]),
      ]);
      await describeQuotas(version, [["user", EXACT, NAMES.user]]);
      await alter(version, [entry({ user: NAMES.user }, [["producer_byte_rate", 5e9]])], true);
      await describeQuotas(version, [["user", EXACT, NAMES.user]]);
    });

    it.each<[string, Entity, Ops]>([
      ["no entity", {}, [["producer_byte_rate", 1e9]]],
      ["an unknown type", { group: "g" }, [["producer_byte_rate", 1e9]]],
      ["an empty name", { user: "" }, [["producer_byte_rate", 1e9]]],
      ["no ops", { user: NAMES.user }, []],
      ["an ip with a user", { ip: "10.1.2.3", user: NAMES.user }, [["producer_byte_rate", 1e9]]],
      ["an ip that is none", { ip: "1.2.3.999" }, [["connection_creation_rate", 9]]],
      ["an unknown key", { user: NAMES.user }, [["bytes", 1e9]]],
      ["the removal of an unknown key", { user: NAMES.user }, [["bytes", null]]],
      ["a client's key for an ip", { ip: "10.1.2.3" }, [["producer_byte_rate", 1e9]]],
      ["an ip's key for a client", { user: NAMES.user }, [["connection_creation_rate", 9]]],
      ["zero", { user: NAMES.user }, [["producer_byte_rate", 0]]],
      ["less than zero", { user: NAMES.user }, [["request_percentage", -1]]],
      ["half a byte", { user: NAMES.user }, [["consumer_byte_rate", 1e9 + 0.5]]],
      ["too much", { user: NAMES.user }, [["consumer_byte_rate", 1e19]]],
      ["too many", { ip: "10.1.2.3" }, [["connection_creation_rate", 2 ** 31]]],
      [
        "a key twice",
        { user: NAMES.user },
        [
          ["producer_byte_rate", 1e9],
          ["producer_byte_rate", 2e9],
        ],
      ],
      [
        "a good key with a bad one",
        { user: NAMES.user },
        [
          ["consumer_byte_rate", 3e9],
          ["request_percentage", -5],
        ],
      ],
    ])("bad input to AlterClientQuotas: %s", async (_, entity, ops) => {
      await alter(version, [entry(entity, ops)]);
      await describeQuotas(version, []);
    });

    it("an entity that is named twice, and no entries at all", async () => {
      await alter(version, [
        entry({ user: NAMES.user }, [["producer_byte_rate", 3e9]]),
        entry({ user: NAMES.user }, [["producer_byte_rate", 4e9]]),
      ]);
      await describeQuotas(version, []);
      await alter(version, []);
    });

    it("bad input to DescribeClientQuotas", async () => {
      await describeQuotas(version, [["", EXACT, "x"]]);
      await describeQuotas(version, [["group", EXACT, "x"]]);
      await describeQuotas(version, [["user", EXACT, null]]);
      await describeQuotas(version, [["user", DEFAULT, "x"]]);
      await describeQuotas(version, [["user", SPECIFIED, "x"]]);
      await describeQuotas(version, [["user", 7, null]]);
      await describeQuotas(version, [
        ["user", EXACT, "x"],
        ["user", DEFAULT, null],
      ]);
      await describeQuotas(version, [
        ["user", EXACT, "x"],
        ["ip", DEFAULT, null],
      ]);
    });

    it("are gone when they are removed", async () => {
      await alter(version, [
        entry({ user: NAMES.user }, removed(RATES)),
        entry({ user: NAMES.user, "client-id": NAMES.client }, removed(RATES)),
        entry({ user: NAMES.user, "client-id": null }, removed(RATES)),
        entry({ ip: "10.1.2.3" }, removed(["connection_creation_rate"])),
      ]);
      await describeQuotas(version, []);
    });
  });
}
