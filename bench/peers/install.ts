import { commandOf } from '../harness/run.ts';

/** Installs what the suite peers compares with, exactly as it is locked, and has Prisma write its client. */
export async function installPeers(): Promise<void> {
  await done([commandOf('bun'), 'install', '--frozen-lockfile']);
  // Its command line would fetch a schema engine from a host of its own, though writing a client does not use one.
  await done([commandOf('node'), 'node_modules/prisma/build/index.js', 'generate'], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: 'true',
    CHECKPOINT_DISABLE: '1',
  });
}

async function done(command: string[], env: Record<string, string> = {}): Promise<void> {
  const child = Bun.spawn(command, {
    cwd: import.meta.dir,
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.slice(1).join(' ')} failed in bench/peers: ${err || out}`);
}
