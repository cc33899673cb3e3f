// SparOA/Stream-v0: a stream of inferences under changing load and power mode, each placed unit by unit. A decision delays the
// requests that wait, and is based on a monitor's last reading, not on the present conditions.
import { Rng, type RngState } from '../../base/random/rng.js';
import type { ExecutionError, Run, RunState } from '../../engine/executor.js';
import { LoadMonitor } from '../../engine/telemetry/load-monitor.js';
import type { Env, EnvState, Guarantees, Info, ResetResult, StepOutcome, StepResult } from '../gym/env.js';
import { Box } from '../gym/spaces/box.js';
import { observationBound } from '../observations/observation-block.js';
import { failureReturn } from '../rewards/rewards.js';
import { notAShare, shareOf } from '../share/share-problem.js';
import { noEpisode, renderEpisode, renderModesOf, requireOrigin, requireSimulated } from '../simulated-episode.js';
import { StreamEpisode } from './episode.js';
import { StreamObservation } from './observation.js';
import { streamEnvId } from './options.js';
import { outcomeViolations, referenceMs, responsesMs, type StreamOutcome, streamOutcome } from './outcome.js';
import { type QueueState, StreamQueue } from './queue.js';
import type { StreamCase, StreamSetting } from './setting.js';

/** What a policy may look at before a batch begins. */
export interface StreamView {
  readonly queue: StreamQueue;
  /** The inference under the mode and load of the monitor's last reading. */
  readonly observed: StreamCase;
}

/**
 * The MDP: state = the current execution, the queue, mode, load and their clocks, of which an agent observes a part; action =
 * share in [0, 1] of the next unit of the current batch; reward r_t = -(C_t - C_{t-1}) / C_ref. C_t is the time that all
 * requests have spent in the system so far plus penalties of late ones, C_ref the C of the better single device in the same
 * stream. Terminates with the last answer. On hardware each inference takes its measured time, and an execution that fails
 * truncates the episode.
 */
export class StreamEnv implements Env {
  readonly id: string = streamEnvId;
  readonly observationSpace: Box;
  readonly actionSpace = new Box(0, 1, [1]);
  readonly guarantees: Guarantees;
  readonly renderModes: readonly string[];
  readonly setting: StreamSetting;
  /** Names of the observation's elements. */
  readonly observationNames: readonly string[];
  readonly #observation: StreamObservation;
  readonly #outcome: StepOutcome = { reward: 0, terminated: false, truncated: false };
  /** By case: executions that are used again. */
  readonly #runs = new Map<StreamCase, Run>();
  #rng: Rng | null = null;
  #queue: StreamQueue | null = null;
  #referenceMs = 0;
  #run: Run | null = null;
  #case: StreamCase | null = null;
  #next = 0;
  #return = 0;
  #failed = false;
  /** Reads the load on hardware. */
  readonly #monitor: LoadMonitor | null;

  /** @param setting constant; environments may share it */
  constructor(setting: StreamSetting) {
    this.setting = setting;
    const { measured } = setting;
    this.guarantees = {
      deterministic: !measured,
      restorable: !measured,
      rewardSign: 'nonpositive',
      returnOf: (info) => {
        const { objectiveMs, referenceMs } = streamOutcome(info);
        return -objectiveMs / referenceMs;
      },
      violations: (info) => ('error' in info ? [] : outcomeViolations(setting, streamOutcome(info))),
    };
    this.renderModes = renderModesOf(this.guarantees);
    this.#monitor = measured ? new LoadMonitor(setting.options.monitorMs) : null;
    this.#observation = new StreamObservation(setting);
    this.observationNames = this.#observation.names;
    this.observationSpace = new Box(-observationBound, observationBound, [this.#observation.size]);
  }

  reset({ seed }: { readonly seed?: number } = {}): ResetResult<Float32Array> {
    if (seed !== undefined || !this.#rng) this.#rng = Rng.of(seed ?? 0, 'env');
    this.#queue = new StreamQueue(this.#open(this.#rng.seed()));
    this.#return = 0;
    this.#failed = false;
    this.#queue.begin();
    this.#begin();
    const observation = new Float32Array(this.#observation.size);
    this.#observe(observation);
    return { observation, info: { referenceMs: this.#referenceMs } };
  }

  #observe(observation: Float32Array): void {
    const queue = this.#queue!;
    const level = this.#monitor?.level ?? this.setting.levelOf(queue.observed);
    this.#observation.write(queue, this.#next, this.#run!.state, level, observation);
  }

  #open(seed: number): StreamEpisode {
    const episode = new StreamEpisode(this.setting, seed);
    this.#referenceMs = referenceMs(episode);
    return episode;
  }

  step(action: Float32Array): StepResult<Float32Array> {
    const observation = new Float32Array(this.#observation.size);
    const outcome = { ...this.stepInto(action, observation) };
    return { observation, ...outcome, info: this.info() };
  }

  /** What a policy may observe during a batch. @throws InputError when no episode is in progress */
  view(): StreamView {
    const queue = this.#underWay('view()');
    return { queue, observed: this.setting.caseOf(queue.model, queue.size, queue.observed) };
  }

  #underWay(call: string): StreamQueue {
    if (this.#queue && !this.#queue.done && !this.#failed) return this.#queue;
    throw noEpisode(this.id, call);
  }

  /** Of the latest step: `objectiveMs`; after the last one a `StreamOutcome`, or why an execution failed, as `error`. */
  info(): Info {
    const queue = this.#queue;
    if (this.#failed) return { error: this.#run!.finish() as ExecutionError };
    if (!queue?.done) return { objectiveMs: queue?.objectiveMs ?? 0 };
    const trace = this.#run!.finish();
    if ('error' in trace) return { error: trace };
    const { objectiveMs, misses, energyMj, episode } = queue;
    const served = [...queue.served];
    const outcome: StreamOutcome = {
      objectiveMs,
      referenceMs: this.#referenceMs,
      misses,
      energyMj: this.setting.idleW(queue.condition) === null ? null : energyMj,
      responsesMs: responsesMs(episode, served),
      served,
      trace,
    };
    return { ...outcome };
  }

  stepInto(action: Float32Array, observation: Float32Array): Readonly<StepOutcome> {
    const queue = this.#underWay('step()');
    if (!this.actionSpace.contains(action)) throw notAShare(this.id, action);
    const { shares, decisionMsPerInference, decisionMsPerUnit } = this.setting.options;
    const { units } = this.#case!.graph;
    const beforeMs = queue.objectiveMs;
    const executionMs = this.#run!.decide(this.#next, shareOf(units[this.#next]!, action[0]!, shares));
    this.#next += 1;
    if (Number.isNaN(executionMs)) return this.#fail(observation);
    queue.advance(decisionMsPerInference + this.#next * decisionMsPerUnit + executionMs);
    if (this.#next === units.length) {
      queue.end({ ms: executionMs, mj: this.#run!.energyMj?.() ?? 0 });
      if (!queue.done) {
        queue.begin();
        this.#begin();
      }
    }
    const outcome = this.#outcome;
    outcome.reward = -(queue.objectiveMs - beforeMs) / this.#referenceMs;
    outcome.terminated = queue.done;
    outcome.truncated = false;
    this.#return += outcome.reward;
    this.#observe(observation);
    return outcome;
  }

  /** Ends an episode whose execution failed: its return is that of a failure. */
  #fail(observation: Float32Array): Readonly<StepOutcome> {
    const outcome = this.#outcome;
    outcome.reward = failureReturn - this.#return;
    outcome.terminated = false;
    outcome.truncated = true;
    this.#failed = true;
    this.#next -= 1;
    this.#observe(observation);
    return outcome;
  }

  /** Starts to execute the batch that the queue began, under the present conditions. */
  #begin(): void {
    const queue = this.#queue!;
    const inference = this.setting.caseOf(queue.model, queue.size, queue.condition);
    this.#next = 0;
    if (!this.#monitor) {
      this.#take(inference);
      this.#run!.restart!(inference.conditions);
      return;
    }
    this.#monitor.read();
    this.#case = inference;
    this.#run = inference.executor.begin(inference.graph, inference.conditions);
  }

  /** Starts the execution of a case. */
  #take(inference: StreamCase): void {
    let run = this.#runs.get(inference);
    if (!run) {
      run = inference.executor.begin(inference.graph, inference.conditions);
      this.#runs.set(inference, run);
    }
    this.#case = inference;
    this.#run = run;
  }

  /** The inference under way. @throws InputError as `renderEpisode` does */
  render(mode: string): string {
    return renderEpisode(this, mode, () => {
      const queue = this.#queue;
      if (!queue) return null;
      const { graph, conditions } = this.#case!;
      const { cpu, gpu, memory } = this.setting.levelOf(queue.condition);
      const title = `${queue.first} of ${this.setting.options.requests} requests answered, ${queue.waiting} here; ${conditions.mode}, load ${cpu}/${gpu}/${memory}; ${this.#next} of ${graph.units.length} units`;
      return { graph, title, trace: this.#run!.timeline!() };
    });
  }

  /** @throws InputError when the executor runs on hardware */
  snapshot(): EnvState {
    requireSimulated(this);
    return {
      ...this.#origin(),
      stream: this.#rng?.state() ?? null,
      seed: this.#queue?.episode.seed ?? null,
      queue: this.#queue?.state() ?? null,
      case: this.#case?.index ?? null,
      run: this.#run === null ? null : this.#run.snapshot!(),
      next: this.#next,
      return: this.#return,
    };
  }

  /** The identity of its states. */
  #origin(): EnvState {
    const { options, identity } = this.setting;
    return { setting: JSON.stringify({ options, model: identity.modelHash, profile: identity.profileHash }) };
  }

  /** @throws InputError when the executor runs on hardware, or the state is of other options */
  restore(state: EnvState): void {
    requireOrigin(this, state, this.#origin());
    const { stream, seed, queue, run } = structuredClone(state) as {
      stream: RngState | null;
      seed: number | null;
      queue: QueueState | null;
      run: RunState | null;
    };
    this.#rng = stream && Rng.restore(stream);
    this.#next = state.next as number;
    this.#return = state.return as number;
    this.#run = null;
    this.#case = null;
    this.#queue = seed === null ? null : StreamQueue.restore(this.#open(seed), queue!);
    if (run === null) return;
    const of = state.case as number;
    const { conditionCount, batches } = this.setting;
    const size = Math.floor(of / conditionCount) % batches.length;
    this.#take(this.setting.caseOf(Math.floor(of / conditionCount / batches.length), size, of % conditionCount));
    this.#run!.restore!(run);
  }

  /** @throws InputError when the executor runs on hardware */
  fork(): StreamEnv {
    const copy = new StreamEnv(this.setting);
    copy.restore(this.snapshot());
    return copy;
  }

  /** Closes the executions; on hardware the setting too. */
  close(): void {
    this.setting.close();
  }
}
