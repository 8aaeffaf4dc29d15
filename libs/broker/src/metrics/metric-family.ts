/** One value of a metric. */
export interface MetricSample {
  /** What tells it from others of the same name. */
  readonly labels: Readonly<Record<string, string | number>>;
  /** In the unit that the name ends with, or a count. */
  readonly value: number;
  /** After the family's name: `_bucket`, `_count`, `_sum`. */
  readonly suffix?: string;
}

/** A metric with all its values. */
export interface MetricFamily {
  /** The name of the series, as Prometheus knows it. */
  readonly name: string;
  /** How Prometheus takes its values. */
  readonly type: "counter" | "gauge" | "histogram";
  /** What it measures, in words. */
  readonly help: string;
  /** Its values at this moment. */
  readonly samples: Iterable<MetricSample>;
}

/** A metric with a single value. */
export function single(type: "counter" | "gauge", name: string, help: string, value: number): MetricFamily {
  return { name, type, help, samples: [{ labels: {}, value }] };
}

/** Pieces are about this long: writing one does not hold up the event loop. */
const PIECE_CHARACTERS = 16_384;

/**
 * The text format of Prometheus (version 0.0.4), in pieces. Values are read when their piece is asked for. A null in place
 * of a family gives an empty piece: what is being counted takes long.
 */
export function* prometheusText(families: Iterable<MetricFamily | null>): Generator<string> {
  let piece = "";
  for (const family of families) {
    if (family === null) {
      yield "";
      continue;
    }
    const { name, type, help, samples } = family;
    piece += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) {
      piece += `${name}${sample.suffix ?? ""}${labelsText(sample.labels)} ${valueText(sample.value)}\n`;
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = "";
    }
    // Each family has a turn of its own: what it has to count takes its time too.
    yield piece;
    piece = "";
  }
}

function labelsText(labels: MetricSample["labels"]): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "{" : ","}${name}="${escaped(String(labels[name]))}"`;
  return text === "" ? "" : `${text}}`;
}

const TO_ESCAPE = /[\\"\n]/;

function escaped(value: string): string {
  if (!TO_ESCAPE.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return String(value);
}
