import { expect, test } from "vitest";
import { project, WORLD_HEIGHT, WORLD_WIDTH } from "./projection.ts";

test("the Equal Earth projection, by the table of its authors", () => {
  expect(project(0, 0)).toEqual([0, 0]);
  expect(project(180, 0)[0]).toBeCloseTo(2.7066, 4);
  expect(project(0, 90)[1]).toBeCloseTo(1.3174, 4);
  expect(project(180, 90)[0] / project(180, 0)[0]).toBeCloseTo(0.59247, 4);
  expect(WORLD_WIDTH / WORLD_HEIGHT).toBeCloseTo(2.0546, 3);
});

test("is symmetric", () => {
  const [x, y] = project(40, 30);
  const [mirrored] = project(-40, 30);
  const [, flipped] = project(40, -30);
  expect([mirrored, flipped]).toEqual([-x, -y]);
});
