/** The published types under each version of TypeScript, strictly, with every declaration checked. */
import { type Packed, Project } from './project.ts';
import type { Report } from './report.ts';

/** Oldest first. `next` and the native compiler are tried too: a failure there is news, and the check fails. */
const VERSIONS = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6.0', '7.0'];

const RESOLUTIONS: readonly (readonly [name: string, module: string])[] = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
];

export async function checkCompilers(report: Report, packed: Packed): Promise<void> {
  const { dependencies } = await import('../../package.json');
  const project = new Project(packed, 'types', {
    dependencies: { '@dorkos/db': `file:${packed.tarball}`, ...dependencies },
  });
  let isReady = false;
  for (const version of VERSIONS) {
    await report.check(`TypeScript ${version}`, () => {
      if (!isReady) project.run('npm', ['install', '@types/node@24']);
      isReady = true;
      project.take('types.ts');
      return compile(packed, project, version);
    });
  }
}

function compile(packed: Packed, project: Project, version: string): string {
  const compiler = new Project(packed, `typescript-${version}`, {});
  compiler.run('npm', ['install', `typescript@~${version}.0-0`]);
  const tsc = `${compiler.path}/node_modules/.bin/tsc`;
  let others = 0;
  for (const [moduleResolution, module] of RESOLUTIONS) {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable'],
      types: ['node'],
      module,
      moduleResolution,
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['types.ts'] }));
    const { status, stdout } = project.try(tsc, ['-p', '.', '--pretty', 'false']);
    const errors = stdout.split('\n').filter((line) => /error TS\d+/.test(line));
    const ours = errors.filter((line) => /^(types\.ts|tsconfig|error)|@dorkos/.test(line));
    if (ours.length > 0) throw new Error(`${moduleResolution}: ${ours.slice(0, 10).join('\n')}`);
    if (status !== 0 && errors.length === 0) throw new Error(`${moduleResolution}: ${stdout}`);
    others += errors.length;
  }
  const installed = compiler.run(tsc, ['--version']).trim();
  return others === 0 ? installed : `${installed}; ${others} errors in declarations of other packages`;
}
