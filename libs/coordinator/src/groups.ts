import { ClassicGroup } from "./classic/classic-group.ts";
import type { ConsumerGroup } from "./consumer/consumer-group.ts";

/** A group of any protocol. */
export type Group = ClassicGroup | ConsumerGroup;

/** The groups of one shard by id. */
export class GroupRegistry {
  private readonly groups = new Map<string, Group>();

  get size(): number {
    return this.groups.size;
  }

  get(groupId: string): Group | undefined {
    return this.groups.get(groupId);
  }

  /** The group, if it is one of the classic protocol. */
  classic(groupId: string): ClassicGroup | undefined {
    const group = this.groups.get(groupId);
    return group?.type === "classic" ? group : undefined;
  }

  /** The group, if it is one of the consumer protocol. */
  consumer(groupId: string): ConsumerGroup | undefined {
    const group = this.groups.get(groupId);
    return group?.type === "consumer" ? group : undefined;
  }

  /** The group, made as an empty classic one where there is none. */
  getOrCreate(groupId: string, wallMs: number): Group {
    return this.groups.get(groupId) ?? this.create(groupId, wallMs);
  }

  /** Makes an empty classic group. */
  create(groupId: string, wallMs: number): ClassicGroup {
    const created = new ClassicGroup(groupId, wallMs);
    this.groups.set(groupId, created);
    return created;
  }

  put(group: Group): void {
    this.groups.set(group.groupId, group);
  }

  remove(groupId: string): void {
    this.groups.delete(groupId);
  }

  values(): IterableIterator<Group> {
    return this.groups.values();
  }
}
