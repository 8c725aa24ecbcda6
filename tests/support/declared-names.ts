/** The names that a source file declares itself, as opposed to those it is given by others. */
import type {
  BindingPattern,
  Function as FunctionNode,
  ParamPattern,
  Program,
  PropertyKey,
  VariableDeclarator,
} from 'oxc-parser'
import { Visitor } from 'oxc-parser'

/** A name that a module declares. */
export interface DeclaredName {
  readonly name: string
  readonly role: 'function' | 'value' | 'type' | 'member'
}

/** Every function, variable, parameter, type and member that `program` declares. */
export function readNames(program: Program): DeclaredName[] {
  const names: DeclaredName[] = []
  const add = (role: DeclaredName['role'], found: readonly string[]): void => {
    names.push(...found.map((name) => ({ name, role })))
  }
  const addParameters = ({ params }: { params: readonly ParamPattern[] }): void =>
    add('value', params.flatMap(boundNames))
  const addFunction = (node: FunctionNode): void => {
    add('function', node.id === null ? [] : [node.id.name])
    addParameters(node)
  }
  new Visitor({
    FunctionDeclaration: addFunction,
    FunctionExpression: addFunction,
    ArrowFunctionExpression: addParameters,
    VariableDeclarator: ({ id, init }: VariableDeclarator) =>
      add(init !== null && /Function/.test(init.type) ? 'function' : 'value', boundNames(id)),
    ClassDeclaration: ({ id }) => add('type', id === null ? [] : [id.name]),
    TSInterfaceDeclaration: ({ id }) => add('type', [id.name]),
    TSTypeAliasDeclaration: ({ id }) => add('type', [id.name]),
    TSPropertySignature: ({ key }) => add('member', keyName(key)),
    TSMethodSignature: ({ key }) => add('member', keyName(key)),
    PropertyDefinition: ({ key }) => add('member', keyName(key)),
    MethodDefinition: ({ key }) => add('function', keyName(key)),
  }).visit(program)
  return names
}

const keyName = (key: PropertyKey): string[] =>
  key.type === 'Identifier' || key.type === 'PrivateIdentifier' ? [key.name] : []

/** The names a pattern binds; in `{ a, b: c }` that is c: `a` is named by whoever made the object. */
function boundNames(pattern: BindingPattern | ParamPattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'AssignmentPattern':
      return boundNames(pattern.left)
    case 'RestElement':
      return boundNames(pattern.argument)
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element === null ? [] : boundNames(element)))
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => {
        if (property.type === 'RestElement') return boundNames(property.argument)
        return property.shorthand ? [] : boundNames(property.value)
      })
    case 'TSParameterProperty':
      return boundNames(pattern.parameter)
  }
}
