/**
 * Fusion: rewrites a forward graph so that fewer passes go over memory. It works before
 * differentiation, on purpose: a fused node is an ordinary op with a gradient of its own, held to the
 * same tests as the others, and the backward graph is fused for free.
 *
 * One pattern so far, which takes the elementwise half out of a CIFAR network:
 *
 *     batch_norm [→ add] → relu   becomes   batch_norm {shortcut, relu}
 */
import { ops } from '../../ops/table.ts';
import type { BatchNormParams } from '../../ops/batch_norm.ts';
import type { Graph, GraphNode, Value } from '../../network/graph.ts';

export function fuse(graph: Graph): Graph {
  const uses = countUses(graph);
  const producers = new Map(graph.nodes.map((node) => [node.output, node]));
  const onlyUse = (value: Value | undefined): GraphNode | undefined =>
    value && uses.get(value) === 1 ? producers.get(value) : undefined;

  const fused = new Map<GraphNode, GraphNode>();
  const absorbed = new Set<GraphNode>();
  for (const relu of graph.nodes) {
    if (relu.op !== ops.relu) continue;
    const before = onlyUse(relu.inputs.x);
    const sum = before?.op === ops.add ? before : undefined;
    const norm = sum ? onlyUse(sum.inputs.a) : before;
    if (norm?.op !== ops.batch_norm) continue;
    fused.set(relu, {
      ...norm,
      params: { ...(norm.params as BatchNormParams), relu: true },
      inputs: { ...norm.inputs, ...(sum?.inputs.b && { shortcut: sum.inputs.b }) },
      output: relu.output,
    });
    absorbed.add(norm);
    if (sum) absorbed.add(sum);
  }
  // A fused node runs where the ReLU ran: by then the shortcut has been computed.
  const nodes = graph.nodes
    .filter((node) => !absorbed.has(node))
    .map((node) => fused.get(node) ?? node);
  return { ...graph, nodes };
}

function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>([[graph.output, 1]]);
  for (const { inputs } of graph.nodes) {
    for (const value of Object.values(inputs)) uses.set(value, (uses.get(value) ?? 0) + 1);
  }
  return uses;
}
