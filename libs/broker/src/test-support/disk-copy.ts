import { createMemoryDisk, type Disk } from "@ottla/runtime";

/** What a disk holds now, as a process that is killed leaves it: the copy knows nothing of open files and locks. */
export async function copyOf(disk: Disk, to: Disk = createMemoryDisk(), directory = "/"): Promise<Disk> {
  await to.makeDirectory(directory);
  for (const { name, isDirectory } of await disk.list(directory)) {
    const path = directory === "/" ? `/${name}` : `${directory}/${name}`;
    if (isDirectory) {
      await copyOf(disk, to, path);
      continue;
    }
    const file = await to.open(path, { create: true });
    await file.write([await disk.readFile(path)], 0);
    await file.close();
  }
  return to;
}
