/** Files that a reader picks or drops, folders with all that lies in them, named by their paths; and files to save. */
import type { NamedBlob } from '../worker/protocol.ts';

/** Of an `<input type="file">`; one with `webkitdirectory` gives the files of a folder. */
export function pickedFiles(files: FileList | null): NamedBlob[] {
  return [...(files ?? [])].map((file) => ({
    name: file.webkitRelativePath || file.name,
    blob: file,
  }));
}

/** Of a drop. Has to be called before the event's handler returns: after that the browser takes the list back. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<NamedBlob[]> {
  const plain = pickedFiles(files);
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  // What no file system stands behind (a picture dragged from another page) has no entries, or none that can be read.
  if (entries.length === 0) return plain;
  const found = Promise.all(entries.map((entry) => filesIn(entry)));
  return found.then((parts) => parts.flat()).catch(() => plain);
}

async function filesIn(entry: FileSystemEntry): Promise<NamedBlob[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (isFile(entry)) {
    const blob = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ name: path, blob }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: NamedBlob[] = [];
  // A folder is told in parts of at most a hundred entries, and ends with an empty one.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return found;
    for (const below of part) found.push(...(await filesIn(below)));
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

/** Hands a file to the browser's downloads. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
