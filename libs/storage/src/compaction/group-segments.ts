import type { CompactionJob, JobSegment } from "./compaction-job.ts";

const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

type Bounds = Pick<CompactionJob, "segmentBytes" | "segmentIndexBytes" | "segments" | "endOffset">;

/** Segments that follow each other, in groups that one segment can take even if nothing of them goes. */
export function groupSegments(segments: readonly JobSegment[], bounds: Bounds): JobSegment[][] {
  const groups: JobSegment[][] = [];
  for (const segment of segments) {
    const group = groups.at(-1);
    if (group !== undefined && fits([...group, segment], bounds)) group.push(segment);
    else groups.push([segment]);
  }
  return groups;
}

function fits(group: readonly JobSegment[], { segmentBytes, segmentIndexBytes, segments, endOffset }: Bounds): boolean {
  const total = (size: (segment: JobSegment) => number) => group.reduce((sum, segment) => sum + size(segment), 0);
  const next = segments[segments.indexOf(group.at(-1)!) + 1];
  const lastOffset = (next?.baseOffset ?? endOffset) - 1;
  return (
    total((segment) => segment.sizeBytes) <= segmentBytes &&
    total((segment) => segment.offsetIndexBytes) <= segmentIndexBytes &&
    total((segment) => segment.timeIndexBytes) <= segmentIndexBytes &&
    lastOffset - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET
  );
}
