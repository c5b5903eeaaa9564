import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** One import, export … from, import() or require() of a file. */
export interface Import {
  /** The importing file, from the project's folder, as `src/dork/pulse/run.ts`. */
  readonly from: string;
  /** The imported file from the project's folder, or the package's specifier as it stands. */
  readonly to: string;
  /** True where nothing of it is left at run time. */
  readonly isTypeOnly: boolean;
}

/** The imports of a file's text, in order. */
export function importsOf(file: string, text: string): Import[] {
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const to = specifier.text.startsWith('.') ? join(dirname(file), specifier.text) : specifier.text;
    imports.push({ from: file, to, isTypeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && loadsModules(node.expression)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false));
  return imports;
}

/** `import(…)`, `require(…)`, `require.resolve(…)`, `createRequire(…)(…)`, `createRequire(…).resolve(…)` */
function loadsModules(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text === 'resolve' && loadsModules(callee.expression);
  return (
    ts.isCallExpression(callee) && ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire'
  );
}

/** Every import of the TypeScript files below a folder. */
export function importGraph(root: string, folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, folder, name))
    .flatMap((path) => importsOf(relative(root, path), readFileSync(path, 'utf8')));
}
