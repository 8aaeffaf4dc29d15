/** The Equal Earth projection: areas keep their sizes, so that earthquakes in the north do not look more than they are. */
const A1 = 1.340264;
const A2 = -0.081106;
const A3 = 0.000893;
const A4 = 0.003796;
const HALF_SQRT_3 = Math.sqrt(3) / 2;

/** Extent of the whole world in the units of {@link project}. */
export const WORLD_WIDTH = 2 * project(180, 0)[0];
export const WORLD_HEIGHT = 2 * project(0, 90)[1];

/** Degrees to a plane: x to the east, y to the north, the origin in the middle. */
export function project(longitude: number, latitude: number): [x: number, y: number] {
  const theta = Math.asin(HALF_SQRT_3 * Math.sin((latitude * Math.PI) / 180));
  const theta2 = theta * theta;
  const theta6 = theta2 * theta2 * theta2;
  const lambda = (longitude * Math.PI) / 180;
  const x = (lambda * Math.cos(theta)) / (HALF_SQRT_3 * (A1 + 3 * A2 * theta2 + theta6 * (7 * A3 + 9 * A4 * theta2)));
  return [x, theta * (A1 + A2 * theta2 + theta6 * (A3 + A4 * theta2))];
}
