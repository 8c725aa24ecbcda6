/**
 * The columns of a Parquet file as its schema tells them: a leaf of the tree each. Pure.
 * Source: parquet-format 2.11, parquet.thrift and «Nested Encoding».
 */
import { FILE } from './parquet-fields.ts'
import { corrupt, numberOf, type ParquetFooter } from './parquet-footer.ts'
import { structs, type ThriftStruct } from './thrift.ts'

const ELEMENT = { type: 1, widthBytes: 2, repetition: 3, children: 5 }
const REPETITION = { optional: 1, repeated: 2 }
const DEPTH_MAX = 64

/** What a value of a column is made of. */
export interface ParquetLeaf {
  /** of parquet.thrift, `Type` */
  readonly type: number
  /** of FIXED_LEN_BYTE_ARRAY, else 0 */
  readonly widthBytes: number
  /** a value is there where its definition level is this */
  readonly definitionMax: number
  /** 0: one value a row */
  readonly repetitionMax: number
}

type Levels = Pick<ParquetLeaf, 'definitionMax' | 'repetitionMax'>
const ROOT: Levels = { definitionMax: 0, repetitionMax: 0 }

interface Branch extends Levels {
  /** children that are still to come */
  left: number
}

/** The leaves in the order of a group's columns. Throws ParquetFault. */
export function parquetLeaves({ struct }: ParquetFooter): readonly ParquetLeaf[] {
  const [root, ...elements] = structs(struct.get(FILE.schema))
  const leaves: ParquetLeaf[] = []
  const branches: Branch[] = [
    { left: root === undefined ? 0 : numberAt(root, ELEMENT.children), ...ROOT },
  ]
  for (const element of elements) {
    const above = branches.at(-1) ?? { left: 0, ...ROOT }
    above.left -= 1
    const levels = levelsOf(element, above)
    const left = numberAt(element, ELEMENT.children)
    const widthBytes = numberAt(element, ELEMENT.widthBytes)
    if (left > 0) branches.push({ left, ...levels })
    else if (element.has(ELEMENT.type))
      leaves.push({ type: numberAt(element, ELEMENT.type), widthBytes, ...levels })
    if (branches.length > DEPTH_MAX) throw corrupt('its schema is too deep')
    while (branches.at(-1)?.left === 0) branches.pop()
  }
  return leaves
}

const numberAt = (element: ThriftStruct, field: number): number => numberOf(element.get(field) ?? 0)

function levelsOf(element: ThriftStruct, above: Levels): Levels {
  const repetition = numberAt(element, ELEMENT.repetition)
  const isRepeated = repetition === REPETITION.repeated
  const isOptional = repetition === REPETITION.optional
  return {
    definitionMax: above.definitionMax + Number(isRepeated || isOptional),
    repetitionMax: above.repetitionMax + Number(isRepeated),
  }
}
