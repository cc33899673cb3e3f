// An agent of one's own on SparOA/Share-v0: an epsilon-greedy table of one value per unit and device.
import { make, Rng } from 'sparoa-gym';

const env = await make('SparOA/Share-v0', { model: 'model://mobilenetv3-small', profile: 'profile://jetson-agx-orin' });
const random = Rng.of(0, 'my-agent');
const value = env.graph.units.map(() => [0, 0]);
const visits = env.graph.units.map(() => [1, 1]);
let best = Number.NEGATIVE_INFINITY;
for (let episode = 0; episode < 400; episode++) {
  env.reset({ seed: episode });
  let total = 0;
  for (let unit = 0, over = false; !over; unit++) {
    const explore = random.uniform() < 0.1;
    const device = explore ? random.integer(2) : Number(value[unit][1] > value[unit][0]);
    const result = env.step(Float32Array.of(device));
    value[unit][device] += (result.reward - value[unit][device]) / ++visits[unit][device];
    total += result.reward;
    over = result.terminated;
  }
  best = Math.max(best, total);
}
console.log(`best return ${best.toFixed(4)} (-1 is the better single device)`);
