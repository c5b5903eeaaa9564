import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import type { Random } from '../kit/random.ts';

/** A way to damage a file, or what lies beside it. Gives false where the file has nothing that it could damage. */
export type Mutation = (file: string, random: Random) => undefined | false;

const PAGE = 4096;

function rewrite(file: string, change: (bytes: Buffer) => Buffer | undefined): void {
  const bytes = readFileSync(file);
  writeFileSync(file, change(bytes) ?? bytes);
}

/** Where a page begins; any of them, or one of those from the second on. */
function pageOf(bytes: Buffer, random: Random, from = 0): number {
  return (from + random.below(Math.max(1, Math.floor(bytes.length / PAGE) - from))) * PAGE;
}

function flip(bytes: Buffer, random: Random, from: number, to: number): void {
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = from + random.below(to - from);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

/** Damage to the file itself, which never ends up empty: an empty file alone is a new one. */
export const FILE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'bits flipped anywhere': (file, random) => {
    rewrite(file, (bytes) => void flip(bytes, random, 0, bytes.length));
  },
  'bits flipped in the header': (file, random) => {
    rewrite(file, (bytes) => void flip(bytes, random, 0, 100));
  },
  'bits flipped in the first page': (file, random) => {
    rewrite(file, (bytes) => void flip(bytes, random, 100, PAGE));
  },
  'bits flipped at the head of a page': (file, random) => {
    rewrite(file, (bytes) => {
      const at = pageOf(bytes, random, 1);
      flip(bytes, random, at, at + 24);
    });
  },
  'cut at any byte': (file, random) => {
    truncateSync(file, 1 + random.below(statSync(file).size - 1));
  },
  'cut at a page': (file, random) => {
    truncateSync(file, (1 + random.below(Math.floor(statSync(file).size / PAGE) - 1)) * PAGE);
  },
  'a page zeroed': (file, random) => {
    rewrite(file, (bytes) => {
      const at = pageOf(bytes, random);
      bytes.fill(0, at, at + PAGE);
    });
  },
  'half a page zeroed': (file, random) => {
    rewrite(file, (bytes) => {
      const at = pageOf(bytes, random) + random.below(2) * (PAGE / 2);
      bytes.fill(0, at, at + PAGE / 2);
    });
  },
  'a page of noise': (file, random) => {
    rewrite(file, (bytes) => void randomBytes(random, PAGE).copy(bytes, pageOf(bytes, random)));
  },
  'two pages swapped': (file, random) => {
    rewrite(file, (bytes) => {
      const [a, b] = [pageOf(bytes, random), pageOf(bytes, random, 1)];
      const first = Buffer.from(bytes.subarray(a, a + PAGE));
      bytes.copy(bytes, a, b, b + PAGE);
      first.copy(bytes, b);
    });
  },
  'a page written over another': (file, random) => {
    rewrite(file, (bytes) => {
      const from = pageOf(bytes, random);
      bytes.copy(bytes, pageOf(bytes, random), from, from + PAGE);
    });
  },
  'noise at the end': (file, random) => {
    rewrite(file, (bytes) => Buffer.concat([bytes, randomBytes(random, 1 + random.below(2 * PAGE))]));
  },
  'text in its place': (file, random) => {
    writeFileSync(file, 'This is not a database.\n'.repeat(random.below(400)) || 'x');
  },
};

/** Damage to a file that has a -wal, and to what lies beside it. */
export const SIDECAR_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'the -wal cut': (file, random) => {
    truncateSync(`${file}-wal`, random.below(statSync(`${file}-wal`).size));
  },
  'bits flipped in the -wal': (file, random) => {
    rewrite(`${file}-wal`, (bytes) => void flip(bytes, random, 0, bytes.length));
  },
  'bits flipped in the header of the -wal': (file, random) => {
    rewrite(`${file}-wal`, (bytes) => void flip(bytes, random, 0, 32));
  },
  'a frame of the -wal zeroed': (file, random) => {
    rewrite(`${file}-wal`, (bytes) => {
      const at = 32 + random.below(Math.floor((bytes.length - 32) / (PAGE + 24))) * (PAGE + 24);
      bytes.fill(0, at, at + PAGE + 24);
    });
  },
  'noise at the end of the -wal': (file, random) => {
    rewrite(`${file}-wal`, (bytes) => Buffer.concat([bytes, randomBytes(random, 1 + random.below(PAGE))]));
  },
  'the -wal removed': (file) => {
    rmSync(`${file}-wal`);
  },
  'the -wal of noise': (file, random) => {
    writeFileSync(`${file}-wal`, randomBytes(random, 1 + random.below(PAGE * 3)));
  },
  'the -shm removed': (file) => {
    rmSync(`${file}-shm`, { force: true });
  },
  'the -shm of noise': (file, random) => {
    writeFileSync(`${file}-shm`, randomBytes(random, 32768));
  },
  'the -shm cut': (file, random) => {
    if (!existsSync(`${file}-shm`)) return false;
    truncateSync(`${file}-shm`, random.below(statSync(`${file}-shm`).size));
  },
  'the file removed': (file) => {
    rmSync(file);
  },
  'the file emptied': (file) => {
    truncateSync(file, 0);
  },
  'a folder for a -wal': (file) => {
    rmSync(`${file}-wal`);
    mkdirSync(`${file}-wal`);
  },
  'a -journal of noise': (file, random) => {
    writeFileSync(`${file}-journal`, randomBytes(random, 1 + random.below(PAGE)));
  },
};
