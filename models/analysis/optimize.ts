// ONNX Runtime as the optimiser: it folds constants and merges batch normalisation (level basic), and decides what one
// fused kernel runs (level extended). Its refusals are turned into messages that name the node.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/errors/input-error.js';
import { temporaryName, writeFileAtomic } from '../../base/files/atomic.js';
import { cacheDirectory } from '../../base/files/paths.js';
import type { ModelProto, NodeProto } from '../../base/onnx/proto.js';
import { openSession } from '../../base/onnx/session.js';
import { graphsWithin, subgraphsOf } from './node-view.js';

/**
 * The model as ONNX Runtime rewrites it at a level. Throws ONNX Runtime's own error.
 * @param leavesQuantisers whether it leaves QuantizeLinear and DequantizeLinear where they are
 */
export async function rewrite(
  model: Uint8Array,
  level: 'basic' | 'extended',
  leavesQuantisers = false,
): Promise<Uint8Array> {
  const path = temporaryName(join(cacheDirectory(), 'work', `${level}.onnx`));
  try {
    const session = await openSession(model, {
      level,
      leavesQuantisers,
      optimizedModelFilePath: path,
      neverRuns: true,
    });
    await session.release();
    return readFileSync(path);
  } catch (error) {
    // On a full disk ONNX Runtime fails with a message of its own, or leaves an unreadable file. Writing a file of that size gives
    // the system's error.
    writeFileAtomic(path, model);
    throw error;
  } finally {
    rmSync(path, { force: true });
  }
}

/** How ONNX Runtime's messages name a node (1: node) or only its operator (2: operator). */
const nodePatterns: readonly RegExp[] = [
  /In Node, \("(?<node>[^"]*)", (?<op>\w+)/,
  /Node \((?<node>[^)]*)\) Op \((?<op>\w+)\)/,
  /implementation for (?<op>\w+)\(\d+\) node with name '(?<node>[^']*)'/,
  /while running (?<op>\w+) node\. Name:'(?<node>[^']*)'/,
  /operator \((?<op>\w+)\) in node \((?<node>[^)]*)\)/,
  /Fatal error: (?:[\w.]+:)?(?<op>\w+)\(-?\d+\) is not a registered/,
];

/** Whether ONNX Runtime says that it does not have the operator, as against: that the operator is used wrongly. */
const missingOperator = /No Op registered|is not a registered|implementation for|No opset import/;

/** ONNX Runtime's refusal of `model` as an error for the user. */
export function refusal(error: unknown, model: ModelProto, label: string): InputError {
  if (error instanceof InputError) return error;
  const message = (error as Error).message.trim().split('\n')[0]!.replace(/\.$/, '');
  const node = nodeNamedBy(message, model);
  if (node && missingOperator.test(message)) {
    return new InputError(
      `models: ${label}: ONNX Runtime has no operator for ${describe(node)}: ${message}.`,
      'Export the model with standard ONNX operators, at an opset that ONNX Runtime knows.',
    );
  }
  if (node?.opType === 'If' && hasNestedIfs(model)) {
    return new InputError(
      `models: ${label}: ONNX Runtime takes the branches of Ifs inside Ifs wrongly, near ${describe(node)}: ${message}.`,
      'Export the model without Ifs whose conditions are constants: onnxsim takes their branches.',
    );
  }
  return new InputError(
    `models: ${label}: ONNX Runtime refuses ${node ? describe(node) : 'the model'}: ${message}.`,
    'Check the input shapes (--shape name=1,3,224,224) and that the file runs in ONNX Runtime by itself.',
  );
}

const hasNestedIfs = (model: ModelProto): boolean =>
  [...graphsWithin(model.graph!)].some((graph) =>
    graph.node.some(
      (node) =>
        node.opType === 'If' &&
        subgraphsOf(node).some((body) =>
          [...graphsWithin(body)].some((inner) => inner.node.some(({ opType }) => opType === 'If')),
        ),
    ),
  );

const describe = (node: NodeProto): string =>
  `node "${node.name}" (${node.domain ? `${node.domain}.` : ''}${node.opType})`;

function nodeNamedBy(message: string, model: ModelProto): NodeProto | undefined {
  const nodes = [...graphsWithin(model.graph!)].flatMap((graph) => graph.node);
  for (const pattern of nodePatterns) {
    const { node: name, op } = pattern.exec(message)?.groups ?? {};
    if (op === undefined) continue;
    return nodes.find((node) => name && node.name === name) ?? nodes.find((node) => node.opType === op);
  }
  return undefined;
}
