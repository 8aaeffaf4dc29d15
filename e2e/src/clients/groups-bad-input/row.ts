import { type GroupHand, nameOf, type Topic } from "../../harness/group-hand.ts";

export const NOWHERE: Topic = { name: "nowhere", id: "AAAAAAAAAAAAAAAAAAAAAQ" };
export const GARBAGE = new Uint8Array([9]);
export const INSTANCE = "instance";
export const nobody = { memberId: "nobody" };

export type Kind = "classic" | "static" | "consumer" | "static consumer";
export type Row = readonly [what: string, group: Kind, expected: string, run: (hand: GroupHand) => Promise<string>];

export const code = async (answer: Promise<{ readonly errorCode: number }>) => nameOf((await answer).errorCode);
