import { DiskError } from "./disk.ts";

/** Paths of a disk that keeps its own tree of names. */

export function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function notFound(path: string): DiskError {
  return new DiskError("NOT_FOUND", path, `no such file or directory: ${path}`);
}
