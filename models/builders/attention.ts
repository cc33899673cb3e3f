// Multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762) in standard operators, as exporters write it.
import type { Network, Value } from './network.js';

/**
 * softmax(q k^T / sqrt(d)) v over the tokens of `x` [tokens, width], then a projection. `onScores` may bias and mask the
 * scores [heads, tokens, tokens] before the softmax.
 */
export function attention(
  net: Network,
  x: Value,
  heads: number,
  name: string,
  onScores: (scores: Value) => Value,
): Value {
  const [tokens = 0, width = 0] = x.shape;
  const depth = width / heads;
  const projected = net.linear(x, 3 * width, `${name}.qkv`);
  const parts = net.split(
    projected,
    ['q', 'k', 'v'].map((part) => `${name}.${part}`),
  );
  const [q, k, v] = parts.map((part) => net.reshape(part, [tokens, heads, depth], `${part.name}.heads`));
  const scaled = net.node('Mul', `${name}.q.scaled`, [q!, net.scalar(`${name}.scale`, depth ** -0.5)], q!.shape);
  const query = net.transpose(scaled, [0, 2, 1, 3], `${name}.q.transposed`);
  const key = net.transpose(k!, [0, 2, 3, 1], `${name}.k.transposed`);
  const value = net.transpose(v!, [0, 2, 1, 3], `${name}.v.transposed`);
  const weights = net.softmax(onScores(net.matmul(query, key, `${name}.scores`)), `${name}.softmax`);
  const mixed = net.transpose(net.matmul(weights, value, `${name}.mixed`), [0, 2, 1, 3], `${name}.mixed.transposed`);
  return net.linear(net.reshape(mixed, [tokens, width], `${name}.merged`), width, `${name}.proj`);
}
