/** The topics of the demo. `npm start` feeds the first three; visitors of the page feed the last one. */
export const EARTHQUAKES = "demo.earthquakes";
export const METRICS = "demo.metrics";
export const FLIGHTS = "demo.flights";
export const NOTES = "demo.notes";

export const TOPICS = [EARTHQUAKES, METRICS, FLIGHTS, NOTES];

/** How many records of each partition a page that has just been opened begins with, so that there is a picture at once. */
export const HISTORY: Readonly<Record<string, number>> = {
  [EARTHQUAKES]: 300,
  [METRICS]: 700,
  [FLIGHTS]: 2_000,
  [NOTES]: 50,
};
