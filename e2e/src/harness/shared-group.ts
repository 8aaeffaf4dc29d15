import { Producer } from "@ottla/producer";
import { expect } from "vitest";
import type { OnRecord, TestMember } from "./group-members.ts";
import { until } from "./until.ts";

/** Records are sent in portions of this size, so often. */
const PORTION = 20;
const PORTION_EVERY_MS = 50;

/**
 * A group whose members come, go and are killed while records flow, and what must be so at the end: nothing is lost,
 * and only what a killed member had in work, or a member that closed had in hand, comes twice.
 */
export class SharedGroup {
  readonly topic: string;
  readonly #partitions: readonly string[];
  readonly #producer: Producer;
  readonly #members: TestMember[] = [];
  readonly #killed = new Set<TestMember>();
  readonly #closed = new Set<TestMember>();
  /** Who handled each value, in order. */
  readonly #handled = new Map<string, TestMember[]>();
  #sent = 0;
  #isSending = true;
  readonly #sending: Promise<void>;

  constructor(bootstrapServers: string, topic: string, partitions: number) {
    this.topic = topic;
    this.#partitions = Array.from({ length: partitions }, (_, index) => `${topic}-${index}`).sort();
    this.#producer = new Producer({ bootstrapServers });
    this.#sending = this.#send();
  }

  readonly onRecord: OnRecord = (value, member) => {
    const handlers = this.#handled.get(value);
    if (handlers === undefined) this.#handled.set(value, [member]);
    else handlers.push(member);
  };

  async add(...members: (TestMember | Promise<TestMember>)[]): Promise<void> {
    for (const member of members) this.#members.push(await member);
    await this.#allOwned();
  }

  async close(member: TestMember): Promise<void> {
    this.#closed.add(member);
    await member.close();
    this.#members.splice(this.#members.indexOf(member), 1);
    await this.#allOwned();
  }

  async kill(member: TestMember): Promise<void> {
    this.#killed.add(member);
    await member.kill();
    this.#members.splice(this.#members.indexOf(member), 1);
    await this.#allOwned();
  }

  /** Every partition has one owner, every member some of them, and each reads on. */
  async #allOwned(): Promise<void> {
    const owned = () => this.#members.flatMap((member) => member.assigned()).sort();
    const isShared = () =>
      owned().join() === this.#partitions.join() && this.#members.every((member) => member.assigned().length > 0);
    const describe = () => JSON.stringify(this.#members.map((member) => [member.kind, member.assigned()]));
    await until("every partition has one owner", isShared, 30_000, describe);
    const before = new Map(this.#members.map((member) => [member, member.values.length]));
    const readOn = () => this.#members.every((member) => member.values.length > before.get(member)!);
    await until("every member reads", readOn, 30_000, describe);
  }

  /** Stops sending, and holds what was handled against what was sent. */
  async finish(): Promise<void> {
    this.#isSending = false;
    await this.#sending;
    await until("all records are handled", () => this.#handled.size === this.#sent);
    for (const member of this.#members.splice(0)) await member.close();
    await this.#producer.close();
    const doubled = [...this.#handled.values()].filter((handlers) => handlers.length > 1);
    // What one of ours has handled and committed in order is not read again by anybody.
    const unexplained = doubled.filter(([first]) => first!.kind === "ottla" && !this.#killed.has(first!));
    expect(unexplained.length).toBeLessThanOrEqual([...this.#closed].filter(({ kind }) => kind === "ottla").length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isSending = false;
    await this.#sending.catch(() => {});
    await Promise.all(this.#members.map((member) => member.close().catch(() => {})));
    await this.#producer.close();
  }

  async #send(): Promise<void> {
    while (this.#isSending) {
      const from = this.#sent;
      this.#sent += PORTION;
      const numbers = Array.from({ length: PORTION }, (_, index) => from + index);
      await this.#producer.send(
        numbers.map((number) => ({ topic: this.topic, key: `k${number}`, value: `v${number}` })),
      );
      await new Promise((resolve) => setTimeout(resolve, PORTION_EVERY_MS));
    }
  }
}
