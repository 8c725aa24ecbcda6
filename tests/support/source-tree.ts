/**
 * What the tidy rules need to know about a source file, read from its syntax tree.
 *
 * Only facts are collected here; tidy-rules.ts judges them.
 */
import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { Program, Statement } from 'oxc-parser'
import { parseSync, Visitor } from 'oxc-parser'
import type { DeclaredName } from './declared-names.ts'
import { readNames } from './declared-names.ts'

/** One way in which a module names another: import, re-export, `import()` or an import type. */
interface Import {
  /** as written; undefined where an `import()` is not a literal */
  readonly specifier: string | undefined
  /** path from the root of a file of ours; undefined for a package */
  readonly target: string | undefined
  readonly isReexport: boolean
}

/** One source file. */
export interface Module {
  /** from the root, with `/` */
  readonly path: string
  readonly lineCount: number
  readonly imports: readonly Import[]
  /** names of exported functions, classes and constants; types are not counted */
  readonly exportedValues: readonly string[]
  /** exported functions and classes without a docstring */
  readonly undocumented: readonly string[]
  /** every function, with the line it starts on */
  readonly functions: readonly { readonly line: number; readonly lineCount: number }[]
  readonly names: readonly DeclaredName[]
  /** lines of `as unknown as` and its like, which switch the type checker off */
  readonly typeHoleLines: readonly number[]
  /** dotted uses of globals and imports: `Date.now`, `vi.mock`, `new Date`, `process` */
  readonly uses: readonly string[]
}

/** Every .ts file under `folders`, by path. */
export function readModules(folders: readonly string[]): readonly Module[] {
  const root = posix.join(import.meta.dirname, '../..')
  return globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  )
    .toSorted()
    .map((path) => parseModule(path, readFileSync(posix.join(root, path), 'utf8')))
}

/** The facts about one file. Throws where it does not parse. */
export function parseModule(path: string, text: string): Module {
  const { program, module, comments, errors } = parseSync(path, text, { preserveParens: false })
  if (errors[0] !== undefined) throw new SyntaxError(`${path}: ${errors[0].message}`)
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length
  const docEnds = comments
    .filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
    .map(({ end }) => end)
  const isDocumented = ({ start }: { start: number }): boolean =>
    docEnds.some((end) => end <= start && text.slice(end, start).trim() === '')
  const entries = module.staticExports.flatMap((statement) => statement.entries)
  return {
    path,
    lineCount: text.trimEnd().split('\n').length,
    imports: readImports(path, program),
    exportedValues: entries
      .filter((entry) => !entry.isType)
      .flatMap((e) => e.exportName.name ?? []),
    undocumented: undocumentedExports(program, isDocumented),
    functions: readFunctions(program).map(({ start, end }) => ({
      line: lineOf(start),
      lineCount: lineOf(end) - lineOf(start) + 1,
    })),
    names: readNames(program),
    typeHoleLines: readTypeHoles(program).map(lineOf),
    uses: readUses(program),
  }
}

function readImports(path: string, program: Program): Import[] {
  const imports: Import[] = []
  const add = (specifier: string | undefined, isReexport = false): void => {
    const isOurs = specifier?.startsWith('.') === true
    const target = isOurs ? posix.join(posix.dirname(path), specifier) : undefined
    imports.push({ specifier, target, isReexport })
  }
  new Visitor({
    ImportDeclaration: ({ source }) => add(source.value),
    ExportAllDeclaration: ({ source }) => add(source.value, true),
    ExportNamedDeclaration: ({ source }) => source && add(source.value, true),
    TSImportType: ({ source }) => add(source.value),
    ImportExpression: ({ source }) =>
      add(source.type === 'Literal' && typeof source.value === 'string' ? source.value : undefined),
  }).visit(program)
  return imports
}

/** Exported functions and classes, however exported, that no docstring stands before. */
function undocumentedExports(
  program: Program,
  isDocumented: (statement: Statement) => boolean,
): string[] {
  const exported = new Set(
    program.body.flatMap((statement) =>
      statement.type === 'ExportNamedDeclaration'
        ? statement.specifiers.flatMap(({ local }) =>
            local.type === 'Identifier' ? local.name : [],
          )
        : [],
    ),
  )
  const documented = new Set<string>()
  const missing = new Set<string>()
  for (const statement of program.body) {
    const isExport = statement.type === 'ExportNamedDeclaration'
    for (const name of callableNames(isExport ? statement.declaration : statement)) {
      if (isDocumented(statement)) documented.add(name)
      else if (isExport || exported.has(name)) missing.add(name)
    }
  }
  // Of an overloaded function the first signature carries the docstring.
  return [...missing].filter((name) => !documented.has(name))
}

function callableNames(node: Statement | null): string[] {
  switch (node?.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
    case 'ClassDeclaration':
      return node.id === null ? [] : [node.id.name]
    case 'VariableDeclaration':
      return node.declarations.flatMap(({ id, init }) => {
        const isCallable = init !== null && /Function|Class/.test(init.type)
        return id.type === 'Identifier' && isCallable ? [id.name] : []
      })
    default:
      return []
  }
}

function readFunctions(program: Program): { start: number; end: number }[] {
  const functions: { start: number; end: number }[] = []
  const add = ({ start, end }: { start: number; end: number }): void => {
    functions.push({ start, end })
  }
  new Visitor({
    FunctionDeclaration: add,
    FunctionExpression: add,
    ArrowFunctionExpression: add,
  }).visit(program)
  return functions
}

/** Where a value passes through unknown, any or never on its way to another type. */
function readTypeHoles(program: Program): number[] {
  const starts: number[] = []
  new Visitor({
    TSAsExpression: ({ start, expression }) => {
      if (expression.type !== 'TSAsExpression') return
      const { type } = expression.typeAnnotation
      if (/^TS(Unknown|Any|Never)Keyword$/.test(type)) starts.push(start)
    },
  }).visit(program)
  return starts
}

function readUses(program: Program): string[] {
  const uses: string[] = []
  new Visitor({
    ImportDeclaration: ({ source, specifiers }) => {
      for (const specifier of specifiers) {
        if (specifier.type !== 'ImportSpecifier') continue
        const { imported } = specifier
        uses.push(`${source.value}#${imported.type === 'Identifier' ? imported.name : ''}`)
      }
    },
    MemberExpression: ({ object, property }) => {
      if (object.type !== 'Identifier') return
      uses.push(`${object.name}.${property.type === 'Identifier' ? property.name : '?'}`)
    },
    VariableDeclarator: ({ init }) => {
      if (init?.type === 'Identifier') uses.push(init.name)
    },
    CallExpression: ({ callee }) => {
      if (callee.type === 'Identifier') uses.push(`${callee.name}()`)
    },
    NewExpression: ({ callee, arguments: given }) => {
      if (callee.type === 'Identifier' && given.length === 0) uses.push(`new ${callee.name}`)
    },
  }).visit(program)
  return uses
}
