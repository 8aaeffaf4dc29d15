import { ClassicGroup } from "./classic/classic-group.ts";

/** A group of any protocol. */
export type Group = ClassicGroup;

/** The groups of one shard by id. */
export class GroupRegistry {
  private readonly groups = new Map<string, Group>();

  get size(): number {
    return this.groups.size;
  }

  get(groupId: string): Group | undefined {
    return this.groups.get(groupId);
  }

  /** The group, made as an empty classic one where there is none. */
  getOrCreate(groupId: string, wallMs: number): Group {
    const existing = this.groups.get(groupId);
    if (existing !== undefined) return existing;
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
